/** The worker of consumers/, as wrangler would deploy it, in workerd. */
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { Miniflare } from "miniflare"
import type { Told } from "./consumers.ts"
import type { Scratch } from "./scratch.ts"
import { tool } from "./tools.ts"

/** Of the smallest plan: what a worker may weigh, compressed, and how long it may take to start. */
const limits = { gzippedKiB: 3072, startMs: 1000 }

const compatibilityDate = "2026-04-01"
const rounds = 5

interface Module {
  readonly type: "ESModule" | "CompiledWasm"
  readonly path: string
  readonly contents: string | Buffer
}

/** Bundle it, run the bundle, and see what it weighs and how long it takes to start. */
export async function deployDry(project: Scratch): Promise<Told> {
  const settings = { name: "orders", main: "worker.mjs", compatibility_date: compatibilityDate }
  await project.write("wrangler.json", JSON.stringify({ ...settings, send_metrics: false }))
  const said = await project.run(tool("wrangler"), "deploy", "--dry-run", "--outdir=out")
  const gzippedKiB = Number(/gzip: ([\d.]+) KiB/.exec(said)?.[1])

  const bundle = await modulesIn(project.at("out"))
  const nothing = module("worker.js", Buffer.from("export default { fetch: () => new Response() }"))
  const { text } = await startUntilAnswer(bundle)
  const [times, emptyTimes]: number[][] = [[], []]
  for (let round = 0; round < rounds; round++) {
    emptyTimes?.push((await startUntilAnswer([nothing])).ms)
    times?.push((await startUntilAnswer(bundle)).ms)
  }
  const [ms, emptyMs] = [median(times), median(emptyTimes)]
  const start = `cold start ${ms.toFixed(0)} ms, an empty worker's ${emptyMs.toFixed(0)}`
  const note = `${gzippedKiB} KiB gzipped; ${start}`
  if (!(gzippedKiB <= limits.gzippedKiB && ms - emptyMs <= limits.startMs)) {
    throw new Error(`beyond the limits of a worker, ${JSON.stringify(limits)}: ${note}`)
  }
  return { outputs: [text], note }
}

/** What a bundle has, the worker first. */
async function modulesIn(folder: string): Promise<Module[]> {
  const names = (await readdir(folder)).filter((name) => /\.(js|wasm)$/.test(name))
  const sorted = names.sort((name) => (name === "worker.js" ? -1 : 1))
  return Promise.all(sorted.map(async (name) => module(name, await readFile(join(folder, name)))))
}

const module = (name: string, contents: Buffer): Module =>
  name.endsWith(".wasm")
    ? { type: "CompiledWasm", path: `/${name}`, contents }
    : { type: "ESModule", path: `/${name}`, contents: contents.toString() }

/** From the start of workerd to its first answer. */
async function startUntilAnswer(modules: Module[]): Promise<{ ms: number; text: string }> {
  const from = performance.now()
  const host = "127.0.0.1"
  const workerd = new Miniflare({ cf: false, host, modulesRoot: "/", modules, compatibilityDate })
  try {
    const response = await workerd.dispatchFetch("http://127.0.0.1/")
    return { text: await response.text(), ms: performance.now() - from }
  } finally {
    await workerd.dispose()
  }
}

const median = (times: readonly number[] = []) =>
  times.toSorted((a, b) => a - b)[times.length >> 1] ?? NaN
