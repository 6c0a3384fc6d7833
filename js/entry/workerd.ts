/**
 * Millrace for workerd (Cloudflare Workers), which compiles modules only before a worker starts:
 * so it is imported like code.
 */
import { loadWith } from "../module.ts"
import module from "./millrace.wasm"

export * from "../index.ts"

loadWith(async () => module)
