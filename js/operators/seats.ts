/**
 * The accessors of a user function: one set for calls that give no promise, and as many more as
 * there are calls in flight.
 */
import type { Access } from "../state/access.ts"
import type { Call } from "./in_flight.ts"

/** Where the outputs of values go. */
export interface Sink {
  /** Does anybody take them? If not, what is added may be undefined. */
  readonly wanted: boolean
  /** How many there are; may be set back. */
  size: number
  /** Add what the input's value at an index has caused. */
  add(value: unknown, index: number): void
}

/** What a verb does with one value, over the state that its accessor is at. */
export interface Verb {
  /** Call the user's function; what it gives may be a promise. */
  call(value: unknown): unknown
  /** What it gave, or came to, becomes state and outputs. */
  accept(result: unknown, value: unknown, index: number, out: Sink): void
}

/** A verb with the accessors that its function is given. */
export interface Seat {
  readonly access: Access
  readonly verb: Verb
}

export class Seats<Given extends Seat = Seat> {
  readonly #make: () => Given
  /** Of those whose call has given no promise. */
  readonly #spare: Given[] = []
  /** For calls that give no promise. */
  seat: Given

  constructor(make: () => Given) {
    this.#make = make
    this.seat = make()
  }

  /** Accessors are made anew from now on. */
  renew(): void {
    this.seat = this.#make()
    this.#spare.length = 0
  }

  /** Its function has given a promise: the call in flight, and a fresh seat for others. */
  leave(value: unknown, index: number, out: Sink): Call {
    const { seat } = this
    this.seat = this.#make()
    return this.#callOf(-1, value, index, out, seat)
  }

  /** A call of the function with value `index`, whose input row is `row`. */
  call(row: number, value: unknown, index: number, out: Sink): Call {
    return this.#callOf(row, value, index, out, undefined)
  }

  #callOf(row: number, value: unknown, index: number, out: Sink, given: Given | undefined): Call {
    let seat = given
    let detached = false
    const leave = () => {
      if (seat !== undefined && !detached) this.#spare.push(seat)
      seat = undefined
    }
    return {
      start: () => {
        seat = this.#spare.pop() ?? this.#make()
        seat.access.begin(row)
        return seat.verb.call(value)
      },
      detach() {
        detached = true
        seat?.access.detach()
      },
      suspend: () => seat?.access.suspend(),
      accept(result) {
        const made = out.size
        try {
          if (detached) seat?.access.resume()
          seat?.verb.accept(result, value, index, out)
          seat?.access.commit()
        } catch (error) {
          out.size = made
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
