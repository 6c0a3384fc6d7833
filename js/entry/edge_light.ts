/**
 * Millrace for edge-light (Vercel's edge functions and what is like them), where `?module` makes
 * an import a compiled module.
 */
import { loadWith } from "../module.ts"
import module from "./millrace.wasm?module"

export * from "../index.ts"

loadWith(async () => module)
