/**
 * Saved rows of one state, loaded to be looked at by who does not have the program they are of.
 *
 * Nothing expires, nothing is evicted, and no timer fires: what was saved is there.
 */
import { decodeKey } from "../state/key_read.ts"
import type { KeyValue } from "../state/key_bytes.ts"
import { fieldKinds, limits } from "./abi.ts"
import { decodeCell } from "./adopt.ts"
import type { Engine } from "./engine.ts"
import { entryKeyOf, ownerOf } from "./keyed_rows.ts"
import { keyOfRow } from "./keys.ts"
import { Operator } from "./operator.ts"
import type { FieldKind, OperatorSpec } from "./operator.ts"
import { readCell, textOf } from "./record_cells.ts"
import { cellsOfBlob, isEncoded } from "./refs.ts"
import { recordAt, scanPages } from "./scan.ts"
import { Timers } from "./timers.ts"
import type { Views } from "./views.ts"

/** The kinds of the fields of rows, as the first block of a segment has them; see c/save.h. */
export function kindsIn(segment: Uint8Array): FieldKind[] {
  const count = segment[limits.BLOCK_FIELDS_AT] ?? 0
  const kinds = segment.subarray(limits.BLOCK_KINDS_AT, limits.BLOCK_KINDS_AT + count)
  return Array.from(kinds, (kind) => kindName[kind] ?? "ref") // C refuses what is none.
}

const kindName: Record<number, FieldKind> = {
  [fieldKinds.F64]: "f64",
  [fieldKinds.I64]: "i64",
  [fieldKinds.BOOL]: "bool",
  [fieldKinds.STRING]: "string",
  [fieldKinds.TIMESTAMP]: "timestamp",
  [fieldKinds.REF]: "ref",
  [fieldKinds.REFS]: "refs",
}

/** A row; the address is of use until the next call of the engine. */
export interface SavedRow {
  readonly row: number
  readonly key: KeyValue
  /** Of an entry, its own key: an index, the key in a map, a timer's time or name. */
  readonly entry: KeyValue | undefined
  /** When its timer is due. */
  readonly timerMs: number | undefined
}

export class SavedRows {
  readonly operator: Operator
  #timers: Map<number, number> | undefined

  constructor(engine: Engine, label: string, spec: OperatorSpec) {
    this.operator = new Operator(engine, label, spec)
  }

  /** Add a segment; see {@link Operator.load}. Throws `CORRUPT`, `MEMORY`. */
  load(segment: Uint8Array, number: number): void {
    this.operator.load(segment, 0, number)
  }

  get count(): number {
    return this.operator.stats().rows
  }

  /** When timers are due, by the row, once all segments are loaded; windows of C keep theirs. */
  get timers(): ReadonlyMap<number, number> {
    if (this.#timers !== undefined) return this.#timers
    const found = new Map<number, number>()
    this.operator.loaded()
    if (this.operator.spec.kind === "custom") {
      const timers = new Timers(this.operator)
      for (let due = timers.take(Infinity); due !== undefined; due = timers.take(Infinity)) {
        found.set(due.row, due.timeMs)
      }
    }
    return (this.#timers = found)
  }

  /** All rows, in first-seen order. */
  *all(): Generator<SavedRow, undefined> {
    const { timers, operator } = this
    const { engine, spec } = operator
    for (const { rows, count } of scanPages(operator, -Infinity)) {
      for (let i = 0; i < count; i++) {
        const row = engine.views.u32[rows + i] as number
        yield { row, ...keysOf(operator, row, spec.entries === true), timerMs: timers.get(row) }
      }
    }
    return undefined
  }

  /** The fields of a row; undefined where there is no value. */
  cells(row: number): unknown[] {
    return (this.operator.spec.fields ?? []).map((kind, i) => this.#cell(row, kind, i))
  }

  #cell(row: number, kind: FieldKind, i: number): unknown {
    const { engine, layout } = this.operator
    const [record, at] = [recordAt(this.operator, row), layout.fieldAt[i] as number]
    const cell = engine.views.word(record + at)
    if (kind === "string") return textOrBytes(engine.views, cell)
    if (kind === "ref") return this.#value(record + at)
    if (kind === "refs") return this.#values(cell)
    return readCell(engine.views, { name: "", kind, at, number: -1 }, record)
  }

  #value(cellAt: number): unknown {
    const { engine } = this.operator
    const cell = engine.views.word(cellAt)
    if (isEncoded(cell)) return decodeCell(this.operator, cellAt, cell)
    return cell === 0 ? undefined : engine.refs.get(cell)
  }

  #values(blob: number): unknown[] {
    const cells = cellsOfBlob(this.operator.engine.views, blob)
    return cells.map((at) => this.#value(at)).filter((value) => value !== undefined)
  }
}

/** What operators in C keep as a string need not be text. */
function textOrBytes(views: Views, blob: number): string | Uint8Array {
  try {
    return textOf(views, blob)
  } catch {
    return views.u8.slice(blob + 4, blob + 4 + views.word(blob))
  }
}

function keysOf(op: Operator, row: number, isEntry: boolean): Pick<SavedRow, "key" | "entry"> {
  if (!isEntry) return { key: keyOfRow(op, row), entry: undefined }
  const { from, to } = ownerOf(op, row)
  return { key: decodeKey(op.engine.views.u8, from, to), entry: entryKeyOf(op, row) }
}
