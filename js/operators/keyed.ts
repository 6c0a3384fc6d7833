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
import { fillKeys } from "../engine/fill.ts"
import { Operator, sliceRowsMax } from "../engine/operator.ts"
import type { FieldKind } from "../engine/operator.ts"
import { RecordAccess } from "../engine/record_access.ts"
import { RefAccess } from "../engine/ref_access.ts"
import { Rows } from "../engine/rows.ts"
import type { Ran, Runner, Site, StateSchema, Tolerate } from "../graph.ts"
import { copyOf } from "../copy.ts"
import type { Access } from "../state/access.ts"
import { isPromise, UserState } from "../state/access.ts"
import type { StateSetting } from "../state/config.ts"
import type { KeyReader } from "../state/keys.ts"
import { RecordType } from "../state/record.ts"
import { TracedAccess } from "../state/trace.ts"
import type { Tracing } from "../state/trace.ts"
import { Evictions } from "./evictions.ts"
import { InFlight } from "./in_flight.ts"
import type { Call, Concurrency } from "./in_flight.ts"
import { Outputs } from "./outputs.ts"
import { afterChunk } from "./pushed.ts"

/** What a verb does with one value, over the state that `access` is at. */
export interface Verb {
  /** Call the user's function; what it gives may be a promise. */
  call(value: unknown): unknown
  /** What it gave, or came to, becomes state and outputs. */
  accept(result: unknown, value: unknown, index: number, out: Outputs): void
}

/** Make a verb over accessors of its own. */
export type MakeVerb = (access: Access, state: UserState) => Verb

/** One at a time. */
export const oneByOne: Concurrency = { limit: 1, ordered: true }

/** The state schema of a user function's state. */
export function schemaOf(kind: string, { limits, value }: StateSetting): StateSchema {
  const fields =
    value instanceof RecordType ? value.fields.map(([name, type]) => `${name}:${type}`) : ["ref"]
  return { kind, fields, ttl: limits.ttlMs > 0 }
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

/** A verb with the accessors that its function is given. */
interface Seat {
  readonly access: Access
  readonly verb: Verb
}

class KeyedRunner implements Runner {
  readonly operator: Operator
  readonly evictions: Evictions
  readonly concurrency: number
  /** Has the function given a promise yet? */
  waits = false
  readonly #site: Site
  readonly #read: KeyReader
  readonly #setting: StateSetting
  readonly #makeVerb: MakeVerb
  readonly #limits: Concurrency
  readonly #rows: Rows
  /** For calls that give no promise. */
  #seat: Seat
  /** For calls in flight: of those that have given none. */
  readonly #spare: Seat[] = []
  #flight: InFlight | undefined
  #tracing: Tracing | undefined
  /** For rows that are looked at from outside. */
  #reader: RecordAccess | RefAccess | undefined

  constructor(
    site: Site,
    read: KeyReader,
    setting: StateSetting,
    makeVerb: MakeVerb,
    limits: Concurrency,
  ) {
    const { value } = setting
    const fields: FieldKind[] =
      value instanceof RecordType ? value.fields.map(([, kind]) => kind) : ["ref"]
    const spec = { kind: "custom", limits: setting.limits, fields } as const
    this.#site = site
    this.#read = read
    this.#setting = setting
    this.#makeVerb = makeVerb
    this.#limits = limits
    this.concurrency = limits.limit
    this.operator = new Operator(site.engine, site.uid, spec, site.label)
    this.evictions = new Evictions(this.operator, (row) => this.readRow(row))
    this.#rows = new Rows(this.operator)
    this.#seat = this.#newSeat()
  }

  #newAccess(): RecordAccess | RefAccess {
    const { value } = this.#setting
    return value instanceof RecordType
      ? new RecordAccess(this.#rows, value)
      : new RefAccess(this.#rows, value)
  }

  #newSeat(): Seat {
    const own = this.#newAccess()
    const { operator } = this
    const keyAt = (index: number) => operator.input.keyAt(index)
    const tracing = this.#tracing
    const access = tracing === undefined ? own : new TracedAccess(own, operator.uid, keyAt, tracing)
    return { access, verb: this.#makeVerb(access, new UserState(access)) }
  }

  trace(tracing: Tracing | undefined): void {
    this.#tracing = tracing
    this.#seat = this.#newSeat()
    this.#spare.length = 0
  }

  readRow(row: number): unknown {
    const access = (this.#reader ??= this.#newAccess())
    if (access instanceof RecordAccess) return access.plainAt(this.#rows.record(row))
    return copyOf(access.peek(row))
  }

  settle(chunk: Chunk): undefined {
    return afterChunk(this.operator, chunk)
  }

  close(): void {
    this.#flight?.giveUp()
  }

  run(chunk: Chunk, tolerate?: Tolerate): Ran | Promise<Ran> {
    return this.#runFrom(0, chunk, new Outputs(chunk, this.#site.wanted), tolerate)
  }

  #runFrom(
    start: number,
    chunk: Chunk,
    out: Outputs,
    tolerate: Tolerate | undefined,
  ): Ran | Promise<Ran> {
    const { operator } = this
    const size = chunk.values.length
    let failure: Failure | undefined
    for (let from = start; from < size && failure === undefined; from += sliceRowsMax) {
      const upto = Math.min(from + sliceRowsMax, size)
      const filled = fillKeys(operator.input, chunk, this.#read, from, upto, 0)
      failure = filled.failure
      if (filled.size === 0) continue
      try {
        this.#rows.find()
      } catch (error) {
        failure = { index: from, error }
        break
      }
      const slice = { chunk, from, rows: filled.rows, size: filled.size, out, tolerate }
      const ran = this.#runSlice(slice)
      if (ran instanceof Promise) {
        return ran.then((failed) => {
          this.evictions.take(chunk, (row) => indexOf(slice, row))
          const ended = failed ?? filled.failure
          if (ended !== undefined) return { chunk: out.chunk(), failure: ended }
          return this.#runFrom(upto, chunk, out, tolerate)
        })
      }
      this.evictions.take(chunk, (row) => indexOf(slice, row))
      failure = ran ?? failure
    }
    return { chunk: out.chunk(), failure }
  }

  #runSlice(slice: Slice): Failure | undefined | Promise<Failure | undefined> {
    const { size, out, tolerate } = slice
    const { values } = slice.chunk
    const { access, verb } = this.#seat
    for (let row = 0; row < size; row++) {
      const index = indexOf(slice, row)
      const made = out.size
      try {
        access.begin(row)
        const result = verb.call(values[index])
        if (isPromise(result)) return this.#fly(slice, row, result)
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

  /** The rest of a slice, from a row on whose function gave a promise. */
  #fly(slice: Slice, from: number, promise: PromiseLike<unknown>): Promise<Failure | undefined> {
    const { size, out, tolerate } = slice
    const { limit, ordered } = this.#limits
    const first = this.#callOf(slice, from, this.#seat)
    this.#seat = this.#newSeat()
    this.waits = true
    const work = {
      size,
      call: (row: number) => this.#callOf(slice, row),
      keyOf: (row: number) => (limit === 1 ? "" : this.operator.input.keyText(row)),
      fail: (row: number, error: unknown) => out.dealt(tolerate, indexOf(slice, row), error),
    }
    this.#flight = new InFlight(work, this.#limits, from)
    return this.#flight.run({ call: first, promise }).then((failure) => {
      this.#flight = undefined
      if (!ordered) out.sort()
      return failure
    })
  }

  /** A call of the function with an event; `given` is the seat of one that was made already. */
  #callOf(slice: Slice, row: number, given?: Seat): Call {
    const index = indexOf(slice, row)
    const value = slice.chunk.values[index]
    let seat = given
    let detached = false
    const leave = () => {
      if (seat !== undefined && !detached) this.#spare.push(seat)
      seat = undefined
    }
    return {
      start: () => {
        seat = this.#spare.pop() ?? this.#newSeat()
        seat.access.begin(row)
        return seat.verb.call(value)
      },
      detach() {
        detached = true
        seat?.access.detach()
      },
      suspend: () => seat?.access.suspend(),
      accept(result) {
        const made = slice.out.size
        try {
          if (detached) seat?.access.resume()
          seat?.verb.accept(result, value, index, slice.out)
          seat?.access.commit()
        } catch (error) {
          slice.out.size = made
          throw error
        }
        leave()
      },
      abandon() {
        if (detached) seat?.access.resume()
        if (seat?.access.open === true) seat.access.abandon()
        leave()
      },
    }
  }
}

/** A part of a chunk whose keys are in the operator's input batch, their rows found. */
interface Slice {
  readonly chunk: Chunk
  readonly from: number
  readonly rows: Uint32Array | undefined
  readonly size: number
  readonly out: Outputs
  readonly tolerate: Tolerate | undefined
}

/** The chunk's value of a row of a slice. */
function indexOf({ from, rows }: Slice, row: number): number {
  return rows === undefined ? from + row : (rows[row] as number)
}
