/**
 * The loop that map, filter, fold and reduce over keyed state share.
 *
 *   chunk -> keys into the batch -> find all rows -> per event: begin, the user's call, commit
 *
 * A call that throws is abandoned: state, outputs and later events are as if it had not come. A
 * call that gives a promise takes its accessors over until that settles; the rest of the slice
 * goes on by in_flight.ts.
 */
import type { Chunk, Failure } from "../chunk.ts"
import type { Operator } from "../engine/operator.ts"
import type { Ran, Runner, Site, StateSchema, Tolerate } from "../graph.ts"
import type { Access } from "../state/access.ts"
import { isPromise, UserState } from "../state/access.ts"
import type { StateSetting } from "../state/config.ts"
import type { KeyReader } from "../state/keys.ts"
import { valueSchema } from "../state/value_schema.ts"
import { RecordType } from "../state/record.ts"
import type { Tracing } from "../state/trace.ts"
import type { Evictions } from "./evictions.ts"
import { Flights } from "./flights.ts"
import type { Concurrency } from "./in_flight.ts"
import { Outputs } from "./outputs.ts"
import { afterChunk } from "./pushed.ts"
import { Seats } from "./seats.ts"
import type { Seat, Verb } from "./seats.ts"
import { indexOf, runSlices } from "./slices.ts"
import type { Slice } from "./slices.ts"
import { UserRows } from "./user_rows.ts"

/** Make a verb over accessors of its own. */
export type MakeVerb = (access: Access, state: UserState) => Verb

/** One at a time. */
export const oneByOne: Concurrency = { limit: 1, ordered: true }

/** The state schema of a user function's state. */
export function schemaOf(kind: string, setting: StateSetting): StateSchema {
  const { value } = setting
  return valueSchema(kind, value instanceof RecordType ? value : undefined, setting)
}

/** Open a runner for a verb with a user function. */
export function openKeyed(
  site: Site,
  read: KeyReader,
  setting: StateSetting,
  makeVerb: MakeVerb,
  concurrency = oneByOne,
): Runner {
  return new KeyedRunner(site, read, setting, makeVerb, concurrency)
}

class KeyedRunner implements Runner {
  readonly operator: Operator
  readonly evictions: Evictions
  readonly concurrency: number
  readonly #site: Site
  readonly #read: KeyReader
  readonly #makeVerb: MakeVerb
  readonly #state: UserRows
  readonly #seats: Seats
  readonly #flights: Flights
  #tracing: Tracing | undefined

  constructor(
    site: Site,
    read: KeyReader,
    setting: StateSetting,
    makeVerb: MakeVerb,
    limits: Concurrency,
  ) {
    this.#site = site
    this.#read = read
    this.#makeVerb = makeVerb
    this.concurrency = limits.limit
    this.#state = new UserRows(site, setting)
    this.operator = this.#state.operator
    this.evictions = this.#state.evictions
    this.#seats = new Seats(() => this.#newSeat())
    this.#flights = new Flights(this.#seats, this.operator.input, limits)
  }

  #newSeat(): Seat {
    const access = this.#state.access(this.#tracing)
    return { access, verb: this.#makeVerb(access, new UserState(access)) }
  }

  trace(tracing: Tracing | undefined): void {
    this.#tracing = tracing
    this.#seats.renew()
  }

  readRow(row: number): unknown {
    return this.#state.readRow(row)
  }

  get waits(): boolean {
    return this.#flights.begun
  }

  settle(chunk: Chunk): undefined {
    return afterChunk(this.operator, chunk)
  }

  close(): void {
    this.#flights.giveUp()
  }

  run(chunk: Chunk, tolerate?: Tolerate): Ran | Promise<Ran> {
    const out = new Outputs(chunk, this.#site.wanted)
    const run = (slice: Slice) => {
      const told = () => this.evictions.take(chunk, (row) => indexOf(slice, row))
      const ran = this.#runSlice(slice, out, tolerate)
      if (ran instanceof Promise) return ran.finally(told)
      told()
      return ran
    }
    const failure = runSlices(this.#state.rows, this.#read, chunk, run)
    if (!(failure instanceof Promise)) return { chunk: out.chunk(), failure }
    return failure.then((failure) => ({ chunk: out.chunk(), failure }))
  }

  #runSlice(
    slice: Slice,
    out: Outputs,
    tolerate: Tolerate | undefined,
  ): Failure | undefined | Promise<Failure | undefined> {
    const { size } = slice
    const { values } = slice.chunk
    const { access, verb } = this.#seats.seat
    for (let row = 0; row < size; row++) {
      const index = indexOf(slice, row)
      const made = out.size
      try {
        access.begin(row)
        const result = verb.call(values[index])
        if (isPromise(result)) return this.#flights.run(slice, [row, size], result, out, tolerate)
        verb.accept(result, values[index], index, out)
        access.commit()
      } catch (error) {
        if (access.open) access.abandon()
        out.size = made
        const failure = out.dealt(tolerate, index, error)
        if (failure !== undefined) return failure
      }
    }
    return undefined
  }
}
