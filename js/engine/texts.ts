/**
 * Strings of records as C keeps them: blobs in linear memory, u32 size and then UTF-8.
 */
import type { Operator } from "./operator.ts"

const encoder = new TextEncoder()

/** A new blob; 0 for "". Throws `LIMIT`, `MEMORY`. */
export function makeText(op: Operator, text: string): number {
  const { engine } = op
  const bytes = encoder.encode(text)
  return engine.withBytes(bytes, (address) => {
    const { wasm, scratch, views } = engine
    const result = wasm.mr_blob_new(op.handle, address, bytes.length, scratch)
    if (result < 0) throw op.refusal("keep a string", result)
    views.follow()
    return views.word(scratch)
  })
}
