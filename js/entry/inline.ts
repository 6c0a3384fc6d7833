/**
 * Millrace for any other runtime: the module is inside the code, so there is nothing to find.
 */
import { loadWith } from "../module.ts"
import { compileInlined } from "./inlined.ts"

export * from "../index.ts"

loadWith(compileInlined)
