import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** Which build of the module the suite runs on: wasi (default), emscripten or ubsan. */
const module = process.env["MILLRACE_MODULE"] ?? "wasi"

/** What tries programs and storage, which are the same on each: on the module that ships alone. */
const onceOnly = [
  ...["docs", "readme", "examples", "rs2", "demo", "demo_kills", "dashboard", "takeover", "own"],
  ...["power", "crash", "nth_call", "damaged_folder", "node_streams", "worker", "worker_results"],
]

export default defineConfig({
  resolve: {
    // Examples in the documentation import the package by its name; here that is its source.
    alias: [
      { find: /^millrace$/, replacement: path("js/entry/node.ts") },
      { find: /^millrace\/slim$/, replacement: path("js/entry/slim.ts") },
      { find: /^millrace\/worker$/, replacement: path("js/worker/index.ts") },
      {
        find: "millrace/storage/durable-object",
        replacement: path("js/storage/durable_object.ts"),
      },
      { find: /^millrace\/storage\/(\w+)$/, replacement: path("js/storage/$1.ts") },
    ],
  },
  test: {
    include: ["test/*.test.ts"], // Folders are for test/runtimes.config.ts.
    exclude: module === "wasi" ? [] : onceOnly.map((name) => `test/${name}.test.ts`),
    env: { MILLRACE_MODULE: module, MILLRACE_WASM: path(`build/${module}/millrace.wasm`) },
    setupFiles: ["js/entry/node.ts"], // Tests import js/index.ts, which has no way to the module.
    execArgv: ["--expose-gc"],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
