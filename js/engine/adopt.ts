/**
 * Cells that are still encoded bytes, as a restore leaves them, become live values at first use.
 */
import { decode } from "../codec.ts"
import type { Operator } from "./operator.ts"
import { blobOf } from "./refs.ts"

/** The value of an encoded cell, which is live from now on. Throws `LIMIT`, `MEMORY`. */
export function decodeCell(op: Operator, cellAt: number, cell: number): unknown {
  const { views } = op.engine
  const blob = blobOf(cell)
  const value = decode(views.u8.slice(blob + 4, blob + 4 + views.word(blob)))
  adopt(op, cellAt, value)
  return value
}

/** Put a live value in the place of encoded bytes. Throws `LIMIT`, `MEMORY`. */
export function adopt(op: Operator, cellAt: number, value: unknown): void {
  const { engine } = op
  const number = engine.refs.add(op.kept(value))
  const result = engine.wasm.mr_ref_decoded(op.handle, cellAt, number)
  if (result < 0) {
    engine.refs.remove(number)
    throw op.refusal("keep a decoded value", result)
  }
  engine.views.follow()
}
