/**
 * Writes the golden savepoint of this format: once, when the format is new, for it must restore for
 * ever.
 *
 *     MILLRACE_WASM=build/wasi/millrace.wasm node --import tsx test/golden/make.ts
 */
import { writeFile } from "node:fs/promises"
import { savepointFormat } from "../../js/savepoint_format.ts"
import "../../js/entry/node.ts"
import { savepointInTheMiddle } from "./program.ts"

const file = new URL(`savepoint-${savepointFormat}.bin`, import.meta.url)
await writeFile(file, await savepointInTheMiddle(), { flag: "wx" })
