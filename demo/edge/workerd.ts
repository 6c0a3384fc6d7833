/** Starts the worker in workerd, with the settings of wrangler.json, by way of miniflare. */
import { readFileSync } from "node:fs"
import { Miniflare } from "miniflare"

const read = (path: string) => readFileSync(new URL(path, import.meta.url))

/** What is used of wrangler.json. */
interface Settings {
  readonly compatibility_date: string
  readonly vars: Readonly<Record<string, string | number>>
}

export interface EdgeOptions {
  /** Where objects keep what they keep. */
  readonly folder: string
  /** Default: any that is free. */
  readonly port?: number
  /** Other values of `vars`. */
  readonly vars?: Settings["vars"]
  /** Another worker instead: its code, beside worker.js. */
  readonly script?: string
}

const module = (path: string, contents: string | Buffer) => {
  if (path.endsWith(".wasm")) return { type: "CompiledWasm", path, contents } as const
  return { type: "ESModule", path, contents: contents.toString() } as const
}

/** There are no packages in workerd: what the worker imports by name is found beside it. */
const modules = [
  ...["worker.js", "alarm_clock.js", "decisions.js"].map((name) => module(`/${name}`, read(name))),
  ...["workerd.mjs", "core.mjs", "base.mjs", "storage-durable-object.mjs", "millrace.wasm"].map(
    (name) => module(`/dist/${name}`, read(`../../dist/${name}`)),
  ),
  module("/millrace", `export * from "./dist/workerd.mjs"`),
  module(
    "/millrace/storage/durable-object",
    `export * from "../../dist/storage-durable-object.mjs"`,
  ),
]

export function startEdge(options: EdgeOptions): Miniflare {
  const {
    folder,
    port = 0,
    vars,
    script = `export { Tenant, default } from "./worker.js"`,
  } = options
  const settings = JSON.parse(read("wrangler.json").toString()) as Settings
  return new Miniflare({
    cf: false,
    host: "127.0.0.1",
    port,
    modulesRoot: "/",
    modules: [module("/main.js", script), ...modules],
    compatibilityDate: settings.compatibility_date,
    durableObjects: { TENANTS: { className: "Tenant", useSQLite: true } },
    durableObjectsPersist: folder,
    bindings: { ...settings.vars, ...vars },
  })
}
