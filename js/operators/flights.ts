/**
 * A runner's way through the rest of a slice, once its function has given a promise.
 */
import type { Failure } from "../chunk.ts"
import type { Batch } from "../engine/batch.ts"
import type { Tolerate } from "../graph.ts"
import { InFlight } from "./in_flight.ts"
import type { Concurrency } from "./in_flight.ts"
import type { Seats, Sink } from "./seats.ts"
import { indexOf } from "./slices.ts"
import type { Slice } from "./slices.ts"

/** Where the outputs of values go that may be done in any order. */
export interface FlightSink extends Sink {
  /** Deal with the error of a value: the failure that ends the job, or nothing. */
  dealt(tolerate: Tolerate | undefined, index: number, error: unknown): Failure | undefined
  /** Put what was added out of order into the order of the input. */
  sort(): void
}

export class Flights {
  readonly #seats: Seats
  readonly #input: Batch
  readonly #limits: Concurrency
  #flight: InFlight | undefined
  /** Has the function given a promise yet? */
  begun = false

  constructor(seats: Seats, input: Batch, limits: Concurrency) {
    this.#seats = seats
    this.#input = input
    this.#limits = limits
  }

  /**
   * Run rows [from, upto) of a slice; the first has been called, and gave a promise. Throws what
   * stands in the way of more accessors.
   */
  run(
    slice: Slice,
    [from, upto]: readonly [from: number, upto: number],
    promise: PromiseLike<unknown>,
    out: FlightSink,
    tolerate: Tolerate | undefined,
  ): Promise<Failure | undefined> {
    const { values } = slice.chunk
    const { limit, ordered } = this.#limits
    const seats = this.#seats
    const at = (row: number) => indexOf(slice, row)
    const first = seats.leave(values[at(from)], at(from), out)
    this.begun = true
    const work = {
      size: upto,
      call: (row: number) => seats.call(row, values[at(row)], at(row), out),
      keyOf: (row: number) => (limit === 1 ? "" : this.#input.keyText(row)),
      fail: (row: number, error: unknown) => out.dealt(tolerate, at(row), error),
    }
    this.#flight = new InFlight(work, this.#limits, from)
    return this.#flight.run({ call: first, promise }).then((failure) => {
      this.#flight = undefined
      if (!ordered) out.sort()
      return failure
    })
  }

  /** What is still in flight counts no more. */
  giveUp(): void {
    this.#flight?.giveUp()
  }
}
