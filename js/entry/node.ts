/**
 * Millrace for Node: the module is a file beside this one.
 *
 * `MILLRACE_WASM` names another build of it, for those who work on Millrace.
 */
import { readFile } from "node:fs/promises"
import { loadWith } from "../module.ts"

export * from "../index.ts"

loadWith(async () => {
  const other = process.env["MILLRACE_WASM"]
  return other ? WebAssembly.compile(await readFile(other)) : shipped()
})

async function shipped(): Promise<WebAssembly.Module> {
  let bytes: Uint8Array<ArrayBuffer>
  try {
    bytes = await readFile(new URL("./millrace.wasm", import.meta.url))
  } catch {
    // A bundler took the program and left the file.
    return (await import("./inlined.ts")).compileInlined()
  }
  return WebAssembly.compile(bytes)
}
