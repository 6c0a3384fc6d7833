/**
 * One job in three runtimes, one after the other; and the same bytes in all of them.
 *
 *     Node ── savepoint ──▶ Chromium ── savepoint ──▶ workerd ──▶ the end
 */
import { readFile } from "node:fs/promises"
import { Miniflare } from "miniflare"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { useModule } from "../../js/entry/slim.ts"
import { middle, resultsFrom, travelTo } from "../golden/program.ts"
import { goldenProgram } from "../golden/script.ts"
import { Chromium } from "./chromium.ts"
import { Server } from "./server.ts"

const builds = ["wasi", "emscripten"] as const
type Build = (typeof builds)[number]

const fileOf = (path: string) => readFile(new URL(`../../${path}`, import.meta.url))
const moduleOf = (build: Build) => fileOf(`build/${build}/millrace.wasm`)

/** What a runtime is told to do, and what it gives: bytes as arrays, for JSON. */
interface Task {
  /** Take a savepoint at this reading; without it the job goes on to its end. */
  readonly upto?: number
  readonly from?: readonly number[]
  readonly chunkSize?: number
}

interface Done {
  readonly results: Readonly<Record<string, unknown[]>>
  readonly savepoint?: readonly number[]
}

/** What does it in a browser, and in a worker. */
const perform = `async ({ resultsFrom, travelTo }, { upto, from, chunkSize = 1024 }) => {
  const options = { chunkSize, ...(from && { from: Uint8Array.from(from) }) }
  if (upto === undefined) return { results: await resultsFrom(options) }
  const { results, savepoint } = await travelTo(upto, options)
  return { results, savepoint: [...savepoint] }
}`

const server = new Server()
let url = ""
let browser: Chromium
beforeAll(async () => {
  useModule(await moduleOf("wasi"))
  url = await server.start()
  browser = await Chromium.start()
})
afterAll(async () => {
  await browser.end()
  await server.stop()
})

/** Do tasks in a page. */
async function inChromium(build: Build, tasks: readonly Task[]): Promise<readonly Done[]> {
  const page = await browser.context.newPage()
  try {
    await page.goto(`${url}/plain/dist/LICENSES.txt`)
    const given = JSON.stringify({ module: [...(await moduleOf(build))], tasks })
    return await page.evaluate<readonly Done[]>(`(async ({ module, tasks }) => {
      const { useModule } = await import("/plain/dist/slim.mjs")
      const program = await import("/plain/golden.js")
      useModule(Uint8Array.from(module))
      const done = []
      for (const task of tasks) done.push(await (${perform})(program, task))
      return JSON.parse(JSON.stringify(done))
    })(${given})`)
  } finally {
    await page.close()
  }
}

/** Do tasks in a worker. */
async function inWorkerd(build: Build, tasks: readonly Task[]): Promise<readonly Done[]> {
  const worker = `import { useModule } from "./slim.mjs"
    import * as program from "./golden.mjs"
    import module from "./millrace.wasm"
    useModule(module)
    const perform = ${perform}
    export default {
      async fetch(request) {
        const done = []
        for (const task of await request.json()) done.push(await perform(program, task))
        return Response.json(done)
      },
    }`
  const script = (path: string, contents: string) => {
    return { type: "ESModule" as const, path, contents }
  }
  const ofDist = async (name: string) => script(name, (await fileOf(`dist/${name}`)).toString())
  const miniflare = new Miniflare({
    cf: false,
    host: "127.0.0.1",
    compatibilityDate: "2026-04-01",
    modules: [
      script("worker.mjs", worker),
      script("golden.mjs", await goldenProgram("./slim.mjs")),
      ...(await Promise.all(["slim.mjs", "core.mjs", "base.mjs"].map(ofDist))),
      { type: "CompiledWasm", path: "millrace.wasm", contents: await moduleOf(build) },
    ],
  })
  try {
    const post = { method: "POST", body: JSON.stringify(tasks) }
    const response = await miniflare.dispatchFetch("http://127.0.0.1/", post)
    const text = await response.text()
    expect(response.status, text).toBe(200)
    return JSON.parse(text) as readonly Done[]
  } finally {
    await miniflare.dispose()
  }
}

describe("a job", () => {
  it("starts in Node, goes on in Chromium, and ends in workerd", async () => {
    const whole = JSON.parse(JSON.stringify(await resultsFrom())) as Done["results"]
    const later = middle + 20
    const first = await travelTo(middle)
    const [second] = await inChromium("wasi", [{ upto: later, from: [...first.savepoint] }])
    const [third] = await inWorkerd("wasi", [{ from: second?.savepoint ?? [] }])
    const parts = JSON.parse(JSON.stringify([first, second, third])) as Done[]
    for (const [output, rows] of Object.entries(whole)) {
      const came = parts.map(({ results }) => results[output] ?? [])
      expect([output, came.every((part) => part.length > 0)]).toEqual([output, true])
      expect([output, came.flat()]).toEqual([output, rows])
    }
  })
})

describe("a savepoint", () => {
  const tasks = [1, 7, 1024].map((chunkSize) => ({ upto: middle, chunkSize }))

  it.each(builds)("is the golden one in Chromium and workerd, on %s", async (build) => {
    const golden = [...(await fileOf("test/golden/savepoint-1.bin"))]
    for (const runtime of [inChromium, inWorkerd]) {
      const done = await runtime(build, tasks)
      const same = done.map(({ savepoint }) => savepoint?.join() === golden.join())
      expect([runtime.name, same]).toEqual([runtime.name, [true, true, true]])
    }
  })
})
