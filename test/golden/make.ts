/**
 * Writes the golden savepoints of this format that are not there: each once, when the format or the
 * program is new, for it must restore for ever.
 *
 *     MILLRACE_WASM=build/wasi/millrace.wasm node --import tsx test/golden/make.ts
 */
import { existsSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { savepointFormat } from "../../js/savepoint_format.ts"
import "../../js/entry/node.ts"
import { savepointInTheMiddle } from "./program.ts"
import { sketchesInTheMiddle } from "./sketches.ts"

const programs = { savepoint: savepointInTheMiddle, sketches: sketchesInTheMiddle }
for (const [name, make] of Object.entries(programs)) {
  const file = new URL(`${name}-${savepointFormat}.bin`, import.meta.url)
  if (!existsSync(file)) await writeFile(file, await make(), { flag: "wx" })
}
