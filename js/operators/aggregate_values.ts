/**
 * Un-windowed aggregates of which some keep values or events: numbers are added up by C, and beside
 * each of its rows stands one of the same key with what is kept.
 *
 *   event -> is read: its key, its values -> the numbers' row -> the values' row -> both as one
 *
 * What must stay true: the two have the same limits and see the same events, and so the same keys.
 * So an event is read before either changes, and what the first refuses the second never sees.
 */
import { slice } from "../chunk.ts"
import type { Chunk } from "../chunk.ts"
import type { Operator, StateLimits } from "../engine/operator.ts"
import { RefAccess } from "../engine/ref_access.ts"
import { Rows } from "../engine/rows.ts"
import { MillraceError } from "../errors.ts"
import type { Finished, Ran, Runner, Site } from "../graph.ts"
import { keyBytes } from "../state/key_bytes.ts"
import type { FieldReader } from "../state/field_readers.ts"
import type { KeyReader } from "../state/keys.ts"
import type { NamedState } from "../states.ts"
import { Aggregate, count, fieldsOf } from "./aggregates.ts"
import type { AggregateSpec } from "./aggregates.ts"
import { openKeyed } from "./keyed.ts"
import { isPick, Picks } from "./picks.ts"
import type { AnySpec } from "./picks.ts"
import { keyOfRead, ofRead, readEvents } from "./read_events.ts"
import type { Read } from "./read_events.ts"

/** What is kept of a key. */
interface KeyValues {
  events: number
  readonly kept: unknown[]
}

/** Open what C does: by a key, and by fields of what events are wrapped in. */
export type OpenNumbers = (
  specs: readonly AggregateSpec[],
  keyOf: KeyReader,
  ofEvent: (field: FieldReader) => FieldReader,
) => Runner

type Row = Record<string, unknown>

/** Those that C does; without any, a count that nobody sees tells which keys there are. */
export function numbersOf(specs: readonly AnySpec[]): readonly AggregateSpec[] {
  const given = specs.filter((spec): spec is AggregateSpec => spec[1] instanceof Aggregate)
  return given.length > 0 ? given : [["", count()]]
}

/** Refuse limits under which the two would not have the same keys. Throws `UNSUPPORTED`. */
export function checkValueLimits({ bytesMax, onEvict }: StateLimits): void {
  const name = bytesMax > 0 ? "maxBytes" : onEvict === undefined ? undefined : "onEvict"
  if (name === undefined) return
  const message = `aggregate.state.${name} is not there for aggregates that keep values yet`
  throw new MillraceError("UNSUPPORTED", message)
}

export class ValuesRunner implements Runner {
  readonly states: readonly NamedState[]
  readonly #site: Site
  readonly #read: KeyReader
  readonly #specs: readonly AnySpec[]
  readonly #picks: Picks
  readonly #numbers: Runner
  readonly #values: Runner
  readonly #rows: Rows
  readonly #access: RefAccess

  constructor(
    site: Site,
    read: KeyReader,
    specs: readonly AnySpec[],
    limits: StateLimits,
    openNumbers: OpenNumbers,
  ) {
    this.#site = site
    this.#read = read
    this.#specs = specs
    const picked = specs.filter(isPick)
    this.#picks = new Picks(picked.map(([, one]) => one))
    const numbers = numbersOf(specs)
    this.#numbers = openNumbers(numbers, keyOfRead, ofRead)
    const operator = this.#numbers.operator as Operator
    const value = (): KeyValues => ({ events: 0, kept: this.#picks.fresh() })
    const setting = { limits, value, own: true }
    const each = operator.spec.emitEach === true
    this.#values = openKeyed(site, keyOfRead, setting, (access) => ({
      call: (one) => {
        const state = access.get() as KeyValues
        const { values, event, timeMs } = one as Read
        this.#picks.add(state.kept, values, event, state.events++, timeMs)
        access.set(state)
        return state
      },
      accept: (kept, _, index, out) => {
        if (each && out.wanted) out.add(this.#resultsOf(kept as KeyValues), index)
      },
    }))
    const values = this.#values.operator as Operator
    this.#rows = new Rows(values)
    this.#access = new RefAccess(this.#rows, undefined)
    const schemaOf = (specs: readonly AnySpec[]) => {
      return { kind: "aggregate", fields: fieldsOf(specs), ttl: limits.ttlMs > 0 }
    }
    const readNumbers = (row: number) => this.#numbers.readRow?.(row)
    const readValues = (row: number) => this.#resultsOf(this.#access.peek(row) as KeyValues)
    this.states = [
      { name: "numbers", schema: schemaOf(numbers), operator, readRow: readNumbers },
      { name: "values", schema: schemaOf(picked), operator: values, readRow: readValues },
    ]
  }

  #resultsOf({ kept }: KeyValues): unknown[] {
    return this.#picks.results(kept)
  }

  run(chunk: Chunk): Ran {
    const { read, failure } = readEvents(chunk, this.#read, this.#picks)
    const numbers = this.#numbers.run(read) as Ran
    const rest = numbers.failure === undefined ? read : slice(read, 0, numbers.failure.index)
    const values = this.#values.run(rest) as Ran
    const ended = values.failure ?? numbers.failure ?? failure
    if (!this.#site.wanted || numbers.chunk.values.length === 0)
      return { ...numbers, failure: ended }
    const rows = numbers.chunk.values.map((row, i) =>
      this.#rowOf(row as Row, values.chunk.values[i] as unknown[]),
    )
    return { chunk: { ...numbers.chunk, values: rows }, failure: ended }
  }

  /** What C and what was kept give, under their names. */
  #rowOf(numbers: Row, values: readonly unknown[]): Row {
    const row: Row = { key: numbers["key"] }
    let next = 0
    for (const [name, one] of this.#specs) {
      row[name] = one instanceof Aggregate ? numbers[name] : values[next++]
    }
    return row
  }

  settle(chunk: Chunk): undefined {
    for (const runner of [this.#numbers, this.#values]) runner.settle?.(chunk)
    return undefined
  }

  finish(): Finished | undefined {
    const finished = this.#numbers.finish?.()
    if (finished === undefined) return undefined
    const values = finished.values.map((row) => {
      this.#rows.findKey(keyBytes((row as Row)["key"]), this.#site.clock.now())
      return this.#rowOf(
        row as Row,
        this.#resultsOf(this.#access.peek(this.#rows.row(0)) as KeyValues),
      )
    })
    return { values }
  }
}
