/**
 * Millrace without a way to its module: the caller brings it, as one of `millrace/millrace.wasm`.
 */
import { MillraceError, typeName } from "../errors.ts"
import { loadWith } from "../module.ts"

export * from "../index.ts"

/** What {@link useModule} takes: a compiled module, or the bytes of one. */
export type GivenModule = WebAssembly.Module | BufferSource

/**
 * Run all jobs that are opened from now on on this module: that of `millrace/millrace.wasm` in the
 * same version of the package.
 *
 * It is waited for, and bytes are compiled, when the first job opens.
 *
 * @example
 * ```ts
 * // In a page: useModule(WebAssembly.compileStreaming(fetch("/assets/millrace.wasm")))
 * useModule(readFile(new URL(import.meta.resolve("millrace/millrace.wasm"))))
 * console.log(await from([1, 2]).toArray()) // [ 1, 2 ]
 * ```
 * @throws {MillraceError} Later, where the first job opens: `MODULE` when it is no module or cannot
 *   be compiled.
 */
export function useModule(module: GivenModule | Promise<GivenModule>): void {
  Promise.resolve(module).catch(() => undefined) // Told to who opens a job, not to the process.
  loadWith(async () => compiled(await module))
}

function compiled(given: GivenModule): Promise<WebAssembly.Module> | WebAssembly.Module {
  if (given instanceof WebAssembly.Module) return given
  if (given instanceof ArrayBuffer || ArrayBuffer.isView(given)) return WebAssembly.compile(given)
  const wanted = "a WebAssembly.Module or the bytes of one"
  throw new MillraceError("MODULE", `useModule takes ${wanted}, not ${typeName(given)}`)
}
