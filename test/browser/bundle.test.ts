/** The page of this folder as a project that Vite serves, and builds, over the packed package. */
import { mkdir, readdir, readFile, rename, stat } from "node:fs/promises"
import { build, createServer, preview } from "vite"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Scratch } from "../package/scratch.ts"
import { expected } from "../smoke.ts"
import { Chromium } from "./chromium.ts"

let browser: Chromium
let scratch: Scratch
beforeAll(async () => {
  browser = await Chromium.start()
  scratch = await Scratch.make()
  await mkdir(scratch.at("public"))
  await rename(scratch.at("orders.json"), scratch.at("public/orders.json"))
  const text = (name: string) => readFile(new URL(name, import.meta.url), "utf8")
  for (const name of ["page.js", "worker.js", "worker_page.js"]) {
    const code = (await text(name))
      .replace("./dist/browser.mjs", "millrace")
      .replace("./dist/storage-indexeddb.mjs", "millrace/storage/indexeddb")
      .replace("./dist/worker.mjs", "millrace/worker")
      .replace("./smoke.js", "./smoke.mjs")
    await scratch.write(name, code)
  }
  await scratch.write("index.html", await text("page.html"))
  await scratch.write("worker.html", await text("worker.html"))
})
afterAll(async () => {
  await browser.end()
  await scratch.remove()
})

/** What a page shows, and what it fetched. */
async function visit(url = "", name = "index.html") {
  const page = await browser.context.newPage()
  const asked: string[] = []
  page.on("request", (request) => asked.push(new URL(request.url()).pathname))
  await page.goto(`${url}${name}`)
  const shown: unknown = JSON.parse((await page.locator("output").textContent()) ?? "")
  await page.close()
  return { shown, asked }
}

const whole = { position: 0, rows: expected }
/** What worker_page.js shows. */
const totals = Array.from({ length: 10 }, () => 0)
const sums = {
  position: 0,
  sums: Array.from({ length: 30_000 }, (_, n) => (totals[n % 10] = (totals[n % 10] ?? 0) + n)),
  saved: [1],
}

const local = { host: "127.0.0.1", port: 0 }

describe("a page of Vite's", () => {
  it("runs while it is developed", async () => {
    const server = await createServer({
      root: scratch.folder,
      logLevel: "error",
      server: local,
    })
    await server.listen()
    const [url] = server.resolvedUrls?.local ?? []
    const { shown } = await visit(url)
    const { shown: ofWorker } = await visit(url, "worker.html")
    await server.close()
    expect([shown, ofWorker]).toEqual([whole, sums])
  })

  it("runs when it is built, and takes the module along as a file", async () => {
    await build({ root: scratch.folder, logLevel: "error" })
    const server = await preview({ root: scratch.folder, logLevel: "error", preview: local })
    const { shown, asked } = await visit(server.resolvedUrls?.local[0])
    await server.close()
    expect(shown).toEqual(whole)
    const ofModule = asked.filter((path) => /wasm|inlined/.test(path))
    expect(ofModule).toEqual([expect.stringMatching(/^\/assets\/millrace-[\w-]+\.wasm$/)])
  })

  it.each(["iife", "es"] as const)(
    "has its job in a worker of %s, and none of the engine",
    async (format) => {
      await build({
        root: scratch.folder,
        logLevel: "error",
        worker: { format },
        build: { rolldownOptions: { input: { page: scratch.at("worker.html") } } },
      })
      const server = await preview({ root: scratch.folder, logLevel: "error", preview: local })
      const { shown } = await visit(server.resolvedUrls?.local[0], "worker.html")
      await server.close()
      expect(shown).toEqual(sums)
      const files = await readdir(scratch.at("dist/assets"))
      const ofPage = files.find((name) => name.startsWith("page-")) ?? ""
      expect((await stat(scratch.at(`dist/assets/${ofPage}`))).size).toBeLessThan(16_384)
    },
  )
})
