/**
 * Cells that are still encoded bytes, as a restore leaves them, become live values at first use.
 */
import { decode } from "../codec.ts"
import type { Operator } from "./operator.ts"
import { blobOf, isEncoded } from "./refs.ts"

/**
 * The value of a cell that results tell of, and where it is: another result may have had it decoded
 * meanwhile. May grow memory. Throws `LIMIT`, `MEMORY`.
 */
export function valueOfCell(op: Operator, cell: number, cellAt: number): unknown {
  const { engine } = op
  if (!isEncoded(cell)) return engine.refs.get(cell)
  const now = engine.views.word(cellAt)
  return isEncoded(now) ? decodeCell(op, cellAt, now) : engine.refs.get(now)
}

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
