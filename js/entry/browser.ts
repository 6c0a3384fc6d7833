/**
 * Millrace for browsers: the module is fetched from beside this file and compiled while it comes.
 *
 * Bundlers that understand `new URL(…, import.meta.url)` take it along; where one does not, or a
 * server answers with something else, a copy inside the package is loaded instead.
 */
import { loadWith } from "../module.ts"

export * from "../index.ts"

loadWith(async () => {
  try {
    return await fetched()
  } catch {
    return (await import("./inlined.ts")).compileInlined()
  }
})

async function fetched(): Promise<WebAssembly.Module> {
  const response = await fetch(new URL("./millrace.wasm", import.meta.url))
  if (!response.ok) throw new Error(`status ${response.status}`)
  const streams = response.headers.get("Content-Type")?.toLowerCase() === "application/wasm"
  if (streams) return WebAssembly.compileStreaming(response)
  return WebAssembly.compile(await response.arrayBuffer())
}
