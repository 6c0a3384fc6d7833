import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { defineConfig } from "tsdown"

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** What Node's `require` can get at. The rest is for runtimes that have modules. */
const cjs = {
  node: "js/entry/node.ts",
  slim: "js/entry/slim.ts",
  testing: "js/entry/testing.ts",
  worker: "js/worker/index.ts",
  "storage-file": "js/storage/file.ts",
  "storage-indexeddb": "js/storage/indexeddb.ts",
  "storage-durable-object": "js/storage/durable_object.ts",
  "storage-encrypted": "js/storage/encrypted.ts",
  "storage-level": "js/storage/level.ts",
  "storage-sqlite": "js/storage/sqlite.ts",
}

const esm = {
  ...cjs,
  browser: "js/entry/browser.ts",
  workerd: "js/entry/workerd.ts",
  "edge-light": "js/entry/edge_light.ts",
  inline: "js/entry/inline.ts",
  cli: "js/entry/cli.ts",
}

/** The module: as text where an entry asks for that, else a file beside the code. */
const wasm = {
  name: "wasm",
  resolveId(id: string) {
    if (!id.startsWith("./millrace.wasm")) return null
    return id.endsWith("?base64") ? `\0${id}` : { id, external: true }
  },
  async load(id: string) {
    if (!id.endsWith(".wasm?base64")) return null
    return `export default "${await readFile(path("build/wasi/millrace.wasm"), "base64")}"`
  },
}

/** All but the entries and the drivers that have one. */
const core = (id: string) => {
  if (id.includes("/node_modules/cborg/")) return true
  const [root, name] = [path("js/"), id.slice(path("js/").length)]
  const drivers =
    "file|folder|disk|lock|indexeddb|indexeddb_open|durable_object|encrypted|level|sqlite"
  const alone = new RegExp(
    `^(entry|inspect|engine[/\\\\]saved_rows|testing|worker|storage[/\\\\](${drivers}))\\b`,
  )
  return id.startsWith(root) && !alone.test(name)
}

/** What of it a page needs whose job is in a worker. */
const base = (id: string) => {
  const parts = /^(abort|cores|duration|errors|listeners|options|output|tag)\.ts$/
  return id.startsWith(path("js/")) && parts.test(id.slice(path("js/").length))
}

/**
 * One file per entry, flat in dist/, beside millrace.wasm, for ESM and for CommonJS. What entries
 * share is two files of each format, so that a stream or an error of one is that of the others.
 */
export default defineConfig({
  entry: esm,
  format: { esm: {}, cjs: { entry: cjs } },
  platform: "neutral",
  deps: { neverBundle: [/^node:/, "millrace"] },
  target: "es2022",
  dts: true,
  // `await using job` for who compiles for browsers of today.
  banner: { dts: '/// <reference lib="esnext.disposable" />' },
  sourcemap: true,
  fixedExtension: true,
  hash: false,
  plugins: [wasm],
  outputOptions: {
    codeSplitting: {
      groups: [
        { name: "base", test: base, priority: 1 },
        { name: (id) => (id.endsWith(".d.ts") ? "core.d" : "core"), test: core },
      ],
    },
  },
})
