/**
 * The WebAssembly module that engines are made of, and who brings it.
 *
 *     js/entry/node.ts ──┐
 *     js/entry/browser.ts├─ loadWith(…) ─▶ module.ts ─ loadModule() ─▶ run.ts
 *     js/entry/slim.ts ──┘
 *
 * Runtimes differ in nothing but this. An entry of the package says how its runtime gets at the
 * module and gives all of index.ts; nothing below knows which entry it was. The first job loads
 * the module, once per program; when that fails, the next job tries again.
 */
import { MillraceError } from "./errors.ts"

type Load = () => Promise<WebAssembly.Module>

let load: Load | undefined
let loaded: Promise<WebAssembly.Module> | undefined

/** From now on the module comes from here. */
export function loadWith(next: Load): void {
  load = next
  loaded = undefined
}

/**
 * The module; the first call loads it.
 *
 * @throws {MillraceError} `MODULE`, with the host's error as `cause`.
 */
export function loadModule(): Promise<WebAssembly.Module> {
  if (loaded !== undefined) return loaded
  const mine = attempt(load)
  mine.catch(() => {
    if (loaded === mine) loaded = undefined
  })
  return (loaded = mine)
}

async function attempt(load: Load | undefined): Promise<WebAssembly.Module> {
  if (load === undefined) {
    throw new MillraceError("MODULE", "millrace/slim has no module yet: call useModule(module)")
  }
  try {
    return await load()
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    const said = cause instanceof Error ? cause.message : String(cause)
    const what = `the WebAssembly module cannot be loaded: ${said}${hintFor(said)}`
    throw new MillraceError("MODULE", what, { cause })
  }
}

/** Each browser has words of its own for a policy that forbids it. */
function hintFor(said: string): string {
  if (!/Content Security Policy|\bCSP\b/i.test(said)) return ""
  return " (allow it: Content-Security-Policy: script-src 'self' 'wasm-unsafe-eval')"
}
