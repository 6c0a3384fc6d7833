/**
 * Node's way to the module: a file beside this one, compiled once per process.
 *
 * `MILLRACE_WASM` names another build of the module, for those who work on Millrace.
 */
import { readFile } from "node:fs/promises"

let compiled: Promise<WebAssembly.Module> | undefined

/** The module; the first call reads and compiles it. */
export function loadModule(): Promise<WebAssembly.Module> {
  compiled ??= compile().catch((error: unknown) => {
    compiled = undefined // The next job tries again.
    throw error
  })
  return compiled
}

async function compile(): Promise<WebAssembly.Module> {
  const other = process.env["MILLRACE_WASM"]
  const file = other ? other : new URL("./millrace.wasm", import.meta.url)
  return WebAssembly.compile(await readFile(file))
}
