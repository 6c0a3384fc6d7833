/** The module as text inside the code; the bundler puts it there. */
import base64 from "./millrace.wasm?base64"

/** Compile the copy of the module that is part of the code. */
export function compileInlined(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(Uint8Array.from(atob(base64), (each) => each.charCodeAt(0)))
}
