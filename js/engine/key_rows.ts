/**
 * The rows of one key, for who looks on from outside: between chunks, and changing nothing.
 */
import type { KeyValue } from "../state/key_bytes.ts"
import { Call } from "./call.ts"
import { entryKeyOf, KeyedRows, ownerOf } from "./keyed_rows.ts"
import type { Operator } from "./operator.ts"
import { Rows } from "./rows.ts"
import { scanPages } from "./scan.ts"

/** A row; its address is of use until the next call of the engine. */
export interface KeyRow {
  readonly row: number
  /** Of an entry, its own key. */
  readonly entry: KeyValue | undefined
  /** When its timer is due, ms; undefined: it has none. */
  readonly timerMs: number | undefined
}

/** The rows of the key with these bytes that are visible at a time, in first-seen order. */
export function* keyRows(
  op: Operator,
  key: Uint8Array,
  timeMs: number,
): Generator<KeyRow, undefined> {
  if (op.spec.entries !== true) {
    const rows = new Rows(op)
    rows.findKey(key, timeMs)
    const row = rows.look(0, timeMs)
    if (row !== 0) yield { row, entry: undefined, timerMs: timerOf(op, row) }
    return undefined
  }
  const call = new Call(op.engine)
  try {
    call.key.beginBytes(key)
    call.timeMs = call.passedMs = call.now = timeMs
    const rows = new KeyedRows(op, call)
    for (const page of rows.pages()) {
      for (const row of page) yield { row, entry: rows.entryKey(row), timerMs: timerOf(op, row) }
    }
    return undefined
  } finally {
    call.key.free()
  }
}

/**
 * The rows under any of some keys, looked for among all: where operators in C have rows in rings of
 * their own kind. Gives the place of the key with each.
 */
export function* scannedRows(
  op: Operator,
  keys: readonly Uint8Array[],
): Generator<KeyRow & { readonly of: number }, undefined> {
  const { views } = op.engine
  for (const { rows, count } of scanPages(op, -Infinity)) {
    for (let i = 0; i < count; i++) {
      const row = views.u32[rows + i] as number
      const { from, to } = ownerOf(op, row)
      const of = keys.findIndex((key) => isAt(key, views.u8, from, to))
      if (of >= 0) yield { row, of, entry: entryKeyOf(op, row), timerMs: timerOf(op, row) }
    }
  }
  return undefined
}

/** Are the bytes [from, to) those? */
function isAt(bytes: Uint8Array, memory: Uint8Array, from: number, to: number): boolean {
  return bytes.length === to - from && bytes.every((byte, i) => byte === memory[from + i])
}

/** When the timer of a row is due: a time in two words, then two of 0 if there is none. */
function timerOf({ engine: { views }, layout: { timerAt } }: Operator, row: number) {
  if (timerAt === 0) return undefined
  const at = row + timerAt
  if ((views.word(at + 8) | views.word(at + 12)) === 0) return undefined
  return (views.word(at + 4) | 0) * 2 ** 32 + views.word(at)
}
