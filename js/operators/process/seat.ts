/**
 * One call of a process function at a time: its key, its state, its timers and what it gives.
 *
 *   begin -> the user's function -> commit: all of it takes effect
 *                                -> abandon: none of it does
 *
 * A commit that is refused half way is taken back, state by state.
 */
import { Call } from "../../engine/call.ts"
import type { Engine } from "../../engine/engine.ts"
import type { Operator } from "../../engine/operator.ts"
import { MillraceError } from "../../errors.ts"
import type { Emitted } from "../../sides.ts"
import { closed } from "../../state/access.ts"
import { CallTimers } from "../../state/call_timers.ts"
import { keyBytes } from "../../state/key_bytes.ts"
import type { KeyValue } from "../../state/key_bytes.ts"
import type { Descriptor } from "../../state/kinds.ts"
import { Many } from "../../state/many.ts"
import { readOnly } from "../../state/faces.ts"
import { Single } from "../../state/single.ts"
import type { CallState, Change } from "../../state/single.ts"
import type { Timers } from "../../engine/timers.ts"
import { Tag } from "../../tag.ts"
import type { AnyTag } from "../../tag.ts"
import type { LifeHandlers } from "./life.ts"
import type { Context, Out, TimerScope } from "./process.ts"

export type Handler = (
  given: unknown,
  state: Readonly<Record<string, object>>,
  ctx: Context<unknown>,
  out: Out<unknown>,
) => unknown

/** What the user gave. */
export interface Handlers extends LifeHandlers {
  /** For the events of each input. */
  readonly process: readonly Handler[]
  readonly onTimer: Handler | undefined
}

/** When a function is called. */
export interface When {
  /** For the user: the time of the event or timer, and how far event time has come. */
  readonly timestamp: number
  readonly watermark: number
  /** For state: the time of the use, and what has surely passed. */
  readonly timeMs: number
  readonly passedMs: number
  readonly now: number
}

/** A state of a process function, and what describes it. */
export interface OpenState {
  readonly name: string
  readonly operator: Operator
  readonly descriptor: Descriptor<unknown>
  /** Is it one for all keys, which only events that are broadcast may change? */
  readonly broadcast: boolean
  /** The value of a row as one that is nobody else's. */
  copy(this: void, row: number): unknown
}

export type Domain = "event" | "processing"

/** Timers of one domain: their rows, and which is next. */
export interface OpenTimers {
  readonly operator: Operator
  readonly timers: Timers
}

/** The states that a function gets. */
type Faces = Readonly<Record<string, object>>

export class Seat {
  readonly call: Call
  /** That, and the one of states that are one for all keys, if there are such. */
  readonly #calls: readonly Call[]
  /** What the function gets for an event of a key, and for one that is broadcast. */
  readonly state: Faces
  readonly broadcast: Faces
  readonly ctx: Context<unknown>
  readonly out: Out<unknown>
  readonly #uid: string
  readonly #states: readonly CallState[]
  readonly #timers: ReadonlyMap<Domain, CallTimers>
  /** All that a call changes: states, then timers. */
  readonly #changed: readonly (CallState | CallTimers)[]
  readonly #outputs: readonly AnyTag[]
  #emitted: Emitted | undefined
  #sizeBefore = 0
  #when: When = { timestamp: 0, watermark: 0, timeMs: 0, passedMs: 0, now: 0 }
  #key: { readonly value: KeyValue } | undefined
  /** Is the call of an event that is broadcast? */
  #broadcasts = false
  /** The end has come: no timer in processing time will fire that is set now. */
  ending = false

  constructor(
    engine: Engine,
    uid: string,
    states: readonly OpenState[],
    timers: ReadonlyMap<Domain, OpenTimers>,
    outputs: readonly AnyTag[],
  ) {
    this.call = new Call(engine)
    const shared = states.some(({ broadcast }) => broadcast) ? new Call(engine) : this.call
    shared.key.beginBytes(keyBytes(null))
    this.#calls = shared === this.call ? [shared] : [this.call, shared]
    this.#uid = uid
    this.#outputs = outputs
    this.#states = states.map(({ operator, descriptor, broadcast }) => {
      const { kind } = descriptor
      const many = kind === "list" || kind === "map"
      return new (many ? Many : Single)(operator, broadcast ? shared : this.call, descriptor)
    })
    this.#timers = new Map(
      Array.from(timers, ([domain, open]) => {
        return [domain, new CallTimers(open.operator, this.call, open.timers)] as const
      }),
    )
    this.#changed = [...this.#states, ...this.#timers.values()]
    const faces = states.map(({ name, broadcast }, i) => {
      return { name, broadcast, face: (this.#states[i] as CallState).face }
    })
    this.state = facesOf(faces.map((each) => (each.broadcast ? this.#readOnly(each) : each)))
    this.broadcast = facesOf(faces.filter(({ broadcast }) => broadcast))
    this.ctx = this.#context()
    this.out = Object.freeze({ collect: (value: unknown) => this.#give(value, undefined) })
  }

  #readOnly({ name, face }: { readonly name: string; readonly face: object }) {
    const refuse = (): never => {
      const message = `${this.#uid}: ${name} is broadcast state: processBroadcast alone changes it`
      throw new MillraceError("OPTION", message)
    }
    return { name, face: readOnly(face, refuse) }
  }

  /**
   * A call for the key whose bytes are [from, to) of linear memory, or of an event that is
   * broadcast, which has none.
   */
  begin(
    { from, to }: { from: number; to: number },
    when: When,
    emitted: Emitted,
    broadcasts = false,
  ): void {
    this.call.key.begin(from, to)
    for (const call of this.#calls) {
      call.timeMs = when.timeMs
      call.passedMs = when.passedMs
      call.now = when.now
      call.number++
      call.open = true
    }
    this.#broadcasts = broadcasts
    this.#when = when
    this.#key = undefined
    this.#emitted = emitted
    this.#sizeBefore = emitted.size
  }

  /** The call is of a timer, which is off once it has taken effect. */
  fire(domain: Domain, key: number | string): void {
    this.#timers.get(domain)?.off(key)
  }

  get key(): KeyValue {
    this.#key ??= { value: this.call.key.ownerKey() }
    return this.#key.value
  }

  /** Throws `LIMIT`, `MEMORY`; abandon it then. */
  commit(): void {
    this.#close()
    // What the function gave is a copy where it is state, whichever of the two it became first.
    this.#emitted?.changeFrom(this.#sizeBefore, this.#plain)
    const log: Change[] = []
    try {
      for (const each of this.#changed) each.apply(log)
    } catch (error) {
      while (log.length > 0) log.pop()?.undo()
      throw error
    }
    for (const change of log) change.settle()
    this.#reset()
  }

  readonly #plain = (given: unknown): unknown => {
    if (typeof given !== "object" || given === null) return given
    return this.#states.reduce((value, state) => state.plain(value), given as unknown)
  }

  abandon(): void {
    if (this.#emitted !== undefined) this.#emitted.size = this.#sizeBefore
    this.#reset()
  }

  #close(): void {
    for (const call of this.#calls) call.open = false
  }

  #reset(): void {
    this.#close()
    this.#emitted = undefined
    for (const each of this.#changed) each.reset()
  }

  #give(value: unknown, tag: AnyTag | undefined): void {
    if (!this.call.open) throw closed()
    this.#emitted?.add(value, tag)
  }

  #send(tag: unknown, value: unknown): void {
    if (tag instanceof Tag && this.#outputs.includes(tag)) return this.#give(value, tag)
    const known = this.#outputs.map(({ name }) => name).join(", ") || "none"
    const name = tag instanceof Tag ? `the tag ${tag.name}` : "that"
    const message = `${this.#uid}: ctx.output to ${name}, but outputs has ${known}`
    throw new MillraceError("OPTION", message)
  }

  #timersOf(domain: unknown): CallTimers {
    if (!this.call.open) throw closed()
    const timers = this.#broadcasts ? undefined : this.#timers.get(domain as Domain)
    if (timers !== undefined) return timers
    throw new MillraceError("OPTION", `${this.#uid}: no such timer: ${this.#whyNone(domain)}`)
  }

  #whyNone(domain: unknown): string {
    if (this.#broadcasts) return "an event that is broadcast has no key"
    if (this.#timers.size === 0) return "there is no function onTimer"
    if (domain === "event") return "the source has no time: from(…, { time })"
    return `there are "event" and "processing"`
  }

  #scope(): TimerScope {
    return Object.freeze({
      processingTime: (timeMs: number, name?: string) => {
        const timers = this.#timersOf("processing")
        if (!this.ending) timers.set(timeMs, name)
      },
      eventTime: (timeMs: number, name?: string) => this.#timersOf("event").set(timeMs, name),
      delete: (domain: Domain, timeOrName: number | string) => {
        this.#timersOf(domain).delete(timeOrName)
      },
    })
  }

  #context(): Context<unknown> {
    const when = (): When => {
      if (!this.call.open) throw closed()
      return this.#when
    }
    const key = (): KeyValue => {
      when()
      return this.key
    }
    return Object.freeze({
      get key() {
        return key()
      },
      get now() {
        return when().now
      },
      get watermark() {
        return when().watermark
      },
      get timestamp() {
        return when().timestamp
      },
      timers: this.#scope(),
      output: (tag: AnyTag, value: unknown) => this.#send(tag, value),
    })
  }
}

function facesOf(faces: readonly { readonly name: string; readonly face: object }[]): Faces {
  return Object.freeze(Object.fromEntries(faces.map(({ name, face }) => [name, face])))
}
