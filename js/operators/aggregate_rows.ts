/**
 * The rows that an aggregate emits: `{ key, ...results }`, made of columns in linear memory.
 *
 * This is the hot path of a row per event, so what is here is written for what engines compile
 * well: a column is an index into one typed array, a key is the value that the reader gave, and
 * each result is stored by a statement of its own, which sees one name for as long as a program
 * has one aggregate.
 */
import { causedBy } from "../chunk.ts"
import type { Chunk } from "../chunk.ts"
import { keysOf } from "../engine/keys.ts"
import type { Operator } from "../engine/operator.ts"
import type { KeyReader } from "../state/keys.ts"
import { shapeOf } from "./shapes.ts"
import type { Row } from "./shapes.ts"
import { valueOf as indexOf } from "./pushed.ts"
import type { Slice } from "./pushed.ts"

export type { Row } from "./shapes.ts"

/** Write a row for each result of the operator from `rows[at]` on; its key is `keys[from]`. */
export type WriteRows = (
  rows: unknown[],
  at: number,
  keys: readonly unknown[],
  from: number,
) => void

/** Gathers what comes of a chunk: a row for each of its events, or none, as `emit` says. */
export class Emitted {
  /** Reads keys as the given reader does, and keeps them: a key function is called once. */
  readonly read: KeyReader
  readonly #operator: Operator
  readonly #write: WriteRows
  #wanted = false
  #rows: unknown[] = []
  #causes = new Uint32Array(0)
  #size = 0
  /** The keys of all events that have one, and how many are of slices before this one. */
  #keys: unknown[] = []
  #keysSize = 0
  #keysBefore = 0
  /** Has a key parts, which may have changed since? */
  #hasTuples = false
  #slice: Slice | undefined

  constructor(operator: Operator, read: KeyReader, write: WriteRows) {
    this.#operator = operator
    this.#write = write
    this.read = (event) => {
      const key = read(event)
      if (key === undefined || !this.#wanted) return key
      if (typeof key === "object" && key !== null) this.#hasTuples = true
      this.#keys[this.#keysSize++] = typeof key === "number" ? key + 0 : key // -0 is 0.
      return key
    }
  }

  /** Begin a chunk; rows that nobody wants are only counted. */
  begin({ values }: Chunk, wanted: boolean): void {
    const each = this.#operator.spec.emitEach === true
    this.#wanted = each && wanted
    this.#rows = new Array<unknown>(each ? values.length : 0)
    this.#causes = new Uint32Array(each ? values.length : 0)
    this.#keys = new Array<unknown>(this.#wanted ? values.length : 0)
    this.#size = this.#keysSize = this.#keysBefore = 0
    this.#hasTuples = false
  }

  /** Take the results of a push: one for each row that it has run. */
  take(slice: Slice): void {
    if (slice !== this.#slice) this.#keysBefore += this.#slice?.filled.size ?? 0
    this.#slice = slice
    const first = this.#size
    const from = slice.pushedFrom
    const { size } = this.#operator.results
    for (let i = 0; i < size; i++) this.#causes[this.#size++] = indexOf(slice, from + i)
    if (!this.#wanted) return
    if (this.#hasTuples) this.#write(this.#rows, first, keysOf(this.#operator.input), from)
    else this.#write(this.#rows, first, this.#keys, this.#keysBefore + from)
  }

  /** All rows of the chunk, which is let go. */
  end(chunk: Chunk): Chunk {
    const { at, times, arrival, values } = chunk
    const rows = this.#rows
    const causes = this.#causes.subarray(0, this.#size)
    this.#rows = this.#keys = []
    this.#slice = undefined
    if (causes.length === values.length) return { values: rows, at, times, arrival }
    rows.length = causes.length
    return causedBy(chunk, rows, causes)
  }
}

/** A result's name, and whether it is undefined of nothing. */
export interface Result {
  readonly name: string
  readonly mayBeNone: boolean
}

/** Write rows of these results, in the order of the operator's columns; there is at least one. */
export function rowWriter(operator: Operator, columns: readonly Result[]): WriteRows {
  const [first, second] = columns as readonly [Result, Result | undefined]
  const names = ["key", ...columns.map(({ name }) => name)]
  const shape = shapeOf(names, () => {
    return function (key: unknown) {
      this["key"] = key
    }
  })
  return (rows, to, keys, from) => {
    const { results, engine } = operator
    const { f64 } = engine.views
    const { size } = results
    const at = columns.map((_, column) => results.column(column))
    const [atFirst = 0, atSecond = 0] = at
    for (let i = 0; i < size; i++) {
      const row = new shape.Made(keys[from + i])
      row[first.name] = valueOf(f64[atFirst + i] as number, first.mayBeNone)
      if (second !== undefined) {
        row[second.name] = valueOf(f64[atSecond + i] as number, second.mayBeNone)
      }
      for (let column = 2; column < at.length; column++) {
        const { name, mayBeNone } = columns[column] as Result
        row[name] = valueOf(f64[(at[column] as number) + i] as number, mayBeNone)
      }
      rows[to + i] = row
    }
    if (size > 0) shape.last = rows[to] as Row
  }
}

/** NaN is no value where there may be none; whole numbers take no memory of their own. */
export function valueOf(value: number, mayBeNone: boolean): number | undefined {
  const whole = value | 0
  if (whole === value && (whole !== 0 || 1 / value > 0)) return whole
  return mayBeNone && Number.isNaN(value) ? undefined : value
}
