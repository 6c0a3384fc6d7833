/**
 * Aggregates of numbers by a number of one's own: the rows of a C operator, for those who say
 * themselves which belong together.
 */
import type { Chunk } from "../chunk.ts"
import { fillKeys, fillNumbers, numberOf } from "../engine/fill.ts"
import type { NumberField } from "../engine/fill.ts"
import { Operator, sliceRowsMax } from "../engine/operator.ts"
import { Rows } from "../engine/rows.ts"
import type { Site } from "../graph.ts"
import { noLimits } from "../state/config.ts"
import { keyBytes } from "../state/key_bytes.ts"
import type { NamedState } from "../states.ts"
import { fieldsOf, givesNone, layOut } from "./aggregates.ts"
import type { AggregateSpec } from "./aggregates.ts"

/** The key of what is aggregated and forgotten at once; others are numbers. */
const passing = null

export class Totals {
  readonly named: NamedState
  readonly #operator: Operator
  readonly #rows: Rows
  readonly #columns: readonly NumberField[]
  readonly #mayBeNone: readonly boolean[]
  /** What the event that is being added has in each column. */
  #numbers: readonly unknown[] = []
  /** Columns that read these. */
  readonly #prepared: readonly NumberField[]

  constructor(site: Site, specs: readonly AggregateSpec[]) {
    const { aggregates, columns } = layOut(specs)
    const spec = { kind: "aggregate", limits: noLimits, aggregates, emitEach: false } as const
    this.#operator = new Operator(site.engine, site.uid, spec, site.label)
    this.#rows = new Rows(this.#operator)
    this.#columns = columns
    this.#prepared = columns.map(({ path }, i) => ({ path, read: () => this.#numbers[i] }))
    this.#mayBeNone = specs.map(([, { kind }]) => givesNone(kind))
    const schema = { kind: "aggregate", fields: fieldsOf(specs), ttl: false }
    this.named = { name: "totals", schema, operator: this.#operator }
  }

  /** Read the fields of an event. Throws `FIELD_TYPE`, `LIMIT`. */
  prepare(event: unknown): void {
    this.#numbers = this.#columns.map(({ read, path }) => {
      const value = read(event)
      return value === undefined || value === null ? null : numberOf(value, path)
    })
  }

  /** Add what was prepared. */
  add(id: number): void {
    this.#push([id], (key) => key, this.#prepared)
  }

  /** Into one what is in others, which go. */
  merge(into: number, others: readonly number[]): void {
    for (const other of others) {
      const from = this.#find(other)
      if (from === 0) continue
      const to = this.#find(into)
      // What has emitted and forgotten has no row: it becomes what comes to it.
      if (to === 0) this.#rows.create(0, this.#rows.record(from))
      else this.#operator.merge(to, from)
      this.drop(other)
    }
  }

  drop(id: number | null): void {
    if (this.#find(id) !== 0) this.#rows.remove(0)
  }

  /** The results; of all that is empty, if nothing was added. */
  results(id: number | null): unknown[] {
    const row = this.#find(id)
    if (row === 0) return this.#mayBeNone.map((none) => (none ? undefined : 0))
    const { views, scratch } = this.#operator.engine
    views.u32[scratch >>> 2] = row
    this.#operator.resultsOf(scratch, 1)
    return this.#mayBeNone.map((mayBeNone, column) => {
      const value = views.f64[this.#operator.results.column(column)] as number
      return mayBeNone && Number.isNaN(value) ? undefined : value
    })
  }

  /** The results of some events alone. */
  resultsOf(events: readonly unknown[]): unknown[] {
    try {
      for (let from = 0; from < events.length; from += sliceRowsMax) {
        this.#push(events.slice(from, from + sliceRowsMax), () => passing, this.#columns)
      }
      return this.results(passing)
    } finally {
      this.drop(passing)
    }
  }

  #find(id: number | null): number {
    this.#rows.findKey(keyBytes(id), 0)
    return this.#rows.enter(0)
  }

  #push(
    values: readonly unknown[],
    keyOf: (value: unknown) => unknown,
    columns: readonly NumberField[],
  ): void {
    const { input } = this.#operator
    const size = values.length
    const arrival = { first: 0, size, now: 0, times: undefined, watermarks: undefined }
    const chunk: Chunk = { values, at: undefined, arrival }
    const filled = fillKeys(input, chunk, keyOf as never, 0, size, columns.length)
    const { failure } = fillNumbers(input, chunk, filled, 0, columns)
    if (failure !== undefined) throw failure.error as Error
    this.#operator.push(0)
  }
}
