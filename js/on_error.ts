/**
 * What becomes of an event that an operator cannot take: `onError` and `errorsTo`.
 *
 * A runner stops at such an event, all before it being applied and nothing behind it. Unless the
 * job is to fail, the rest of the chunk is run again from the next event on. Rests are cut short
 * at first and grow while all goes well, so that a chunk with many such events costs little more.
 */
import { causedBy, causeOf, concat, inputOf, slice } from "./chunk.ts"
import type { Chunk, Failure } from "./chunk.ts"
import { quiet } from "./state/access.ts"
import { MillraceError, typeName } from "./errors.ts"
import type { ErrorCode } from "./errors.ts"
import type { Dealt, Ran, Runner, Sides, Tolerate } from "./graph.ts"
import type { Check, Checked } from "./options.ts"
import { concatSides, joinSides } from "./sides.ts"
import { tagOption } from "./tag.ts"
import type { AnyTag, Tag } from "./tag.ts"

/** An event that an operator could not take. */
export interface ErrorEvent<T = unknown, K = unknown> {
  readonly event: T
  /** What was thrown: by the user's function, or a `MillraceError`. */
  readonly error: unknown
  /** The operator's uid. */
  readonly operator: string
  /** The event's key; undefined without one. */
  readonly key: K
  /** Which event of the job, counted from 0. */
  readonly position: number
}

/** What a function given as `onError` may say. */
export type ErrorAnswer<O> = "fail" | "skip" | { readonly emit: O }

/** `onError` and `errorsTo` of an operator, for events `T` with key `K` and outputs `O`. */
export interface ErrorOptions<T, K, O> {
  /**
   * What an event does that the operator cannot take, because the function throws, its key is
   * wrong, or a limit is reached: `"fail"`, the default, ends the job with the error; `"skip"`
   * leaves the event out and counts it; `"route"` sends it to `errorsTo`; a function decides, and
   * may give a result instead. State is as before the event. What the engine itself cannot go on
   * from, such as `MEMORY`, always fails.
   */
  readonly onError?: "fail" | "skip" | "route" | ((error: ErrorEvent<T, K>) => ErrorAnswer<O>)
  /** Where `"route"` sends events. */
  readonly errorsTo?: Tag<ErrorEvent<T, K>> | Tag<ErrorEvent<T>> | Tag<ErrorEvent>
}

type Decide = (error: ErrorEvent) => ErrorAnswer<unknown>

/** A checked `onError`; undefined stands for "fail". */
export interface ErrorPolicy {
  readonly decide: "skip" | "route" | Decide
  readonly errorsTo: AnyTag | undefined
}

const onErrorOption: Check<"fail" | "skip" | "route" | Decide> = (given, name) => {
  if (given === "fail" || given === "skip" || given === "route") return given
  if (typeof given === "function") return given as Decide
  const wanted = `"fail", "skip", "route" or a function`
  throw new MillraceError("OPTION", `${name} must be ${wanted}, not ${typeName(given)}`)
}

/** The checks of {@link ErrorOptions}. */
export const errorOptions = { onError: onErrorOption, errorsTo: tagOption }

/** The policy that checked options of the operator `where` ask for. Throws `OPTION`. */
export function errorPolicy(
  { onError = "fail", errorsTo }: Checked<typeof errorOptions>,
  where: string,
): ErrorPolicy | undefined {
  if (onError === "route" && errorsTo === undefined) {
    throw new MillraceError("OPTION", `${where}.onError "route" needs ${where}.errorsTo`)
  }
  if (onError !== "route" && errorsTo !== undefined) {
    throw new MillraceError("OPTION", `${where}.errorsTo needs ${where}.onError "route"`)
  }
  return onError === "fail" ? undefined : { decide: onError, errorsTo }
}

/** The same policy, what it emits instead of an event being wrapped: for the next half. */
export function wrapEmitted(
  policy: ErrorPolicy | undefined,
  wrap: (value: unknown) => unknown,
): ErrorPolicy | undefined {
  const decide = policy?.decide
  if (typeof decide !== "function") return policy
  return {
    errorsTo: policy?.errorsTo,
    decide(told) {
      const answer: unknown = decide(told)
      const emits = typeof answer === "object" && answer !== null && Object.hasOwn(answer, "emit")
      if (!emits) return answer as ErrorAnswer<unknown>
      return { emit: wrap((answer as { emit: unknown }).emit) }
    },
  }
}

/** After these nothing can go on, whatever the policy. */
const fatal: readonly ErrorCode[] = ["MEMORY", "INTERNAL", "CORRUPT", "CLOSED", "ABORTED"]

function isFatal(error: unknown): boolean {
  return error instanceof MillraceError && fatal.includes(error.code)
}

/** One operator's way with errors. */
export class Tolerance {
  readonly policy: ErrorPolicy
  readonly uid: string
  readonly keyOf: (event: unknown, input: number) => unknown
  /** Events that were left out or routed. */
  skipped = 0

  constructor(policy: ErrorPolicy, uid: string, keyOf: Tolerance["keyOf"]) {
    this.policy = policy
    this.uid = uid
    this.keyOf = keyOf
  }

  /** Deal with an error: what to emit, nothing, or the error to end with. */
  deal(error: unknown, tell: () => ErrorEvent, route: (told: ErrorEvent) => void): Dealt {
    if (isFatal(error)) return { error }
    const { decide } = this.policy
    if (decide === "route") route(tell())
    else if (decide !== "skip") {
      const answer = ask(decide, tell())
      if ("error" in answer || "emit" in answer) return answer
    }
    this.skipped++
    return {}
  }

  /** Run a chunk whole, unless an event is to end the job. */
  run(runner: Runner, chunk: Chunk): Ran | Promise<Ran> {
    return new TolerantRun(this, runner, chunk).goOn()
  }
}

/** A chunk that is run in as many pieces as errors make of it. */
class TolerantRun {
  readonly #runner: Runner
  readonly #chunk: Chunk
  readonly #troubles: Troubles
  readonly #parts: Chunk[] = []
  readonly #sides: Sides[] = []
  #from = 0
  #length: number

  constructor(tolerance: Tolerance, runner: Runner, chunk: Chunk) {
    this.#runner = runner
    this.#chunk = chunk
    this.#troubles = new Troubles(tolerance, chunk)
    this.#length = chunk.values.length
  }

  goOn(): Ran | Promise<Ran> {
    let failure: Failure | undefined
    do {
      const from = this.#from
      const piece = slice(this.#chunk, from, from + this.#length)
      const tolerate: Tolerate = (index, error, route) => {
        return this.#troubles.deal(from + index, error, route)
      }
      const ran = this.#runner.run(piece, tolerate)
      if (ran instanceof Promise) {
        return ran.then((settled) => {
          const ended = this.#take(settled)
          return ended === undefined && !this.#over ? this.goOn() : this.#end(ended)
        })
      }
      failure = this.#take(ran)
    } while (failure === undefined && !this.#over)
    return this.#end(failure)
  }

  get #over(): boolean {
    return this.#from >= this.#chunk.values.length
  }

  /** Keep what came of a piece, errors behind the rest; gives what ends the job. */
  #take(ran: Ran): Failure | undefined {
    const ended = this.#deal(ran)
    this.#sides.push(joinSides([ran.sides, this.#troubles.take()]))
    return ended
  }

  #deal({ chunk, failure }: Ran): Failure | undefined {
    this.#parts.push(chunk)
    if (failure === undefined) {
      this.#from += this.#length
      this.#length *= 2
      return undefined
    }
    const index = this.#from + failure.index
    if (failure.at !== undefined) return { ...failure, index } // It was dealt with.
    const dealt = this.#troubles.deal(index, failure.error)
    if ("error" in dealt) return { index, error: dealt.error }
    if ("emit" in dealt) this.#parts.push(single(this.#chunk, index, dealt.emit))
    this.#from = index + 1
    this.#length = 1
    return undefined
  }

  #end(failure: Failure | undefined): Ran {
    const { arrival } = this.#chunk
    const sides = concatSides(this.#sides, arrival)
    return { chunk: concat(this.#parts, arrival), sides, failure }
  }
}

/** The events of one chunk that an operator could not take. */
export class Troubles {
  readonly #tolerance: Tolerance
  readonly #chunk: Chunk
  /** Functions that wait may fail in any order. */
  readonly #routed: { readonly told: ErrorEvent; readonly index: number }[] = []

  constructor(tolerance: Tolerance, chunk: Chunk) {
    this.#tolerance = tolerance
    this.#chunk = chunk
  }

  /** Deal with value `index` of the chunk: what to emit, nothing, or the error to end with. */
  deal(
    index: number,
    error: unknown,
    route: (told: ErrorEvent) => void = (told) => void this.#routed.push({ told, index }),
  ): Dealt {
    return this.#tolerance.deal(error, () => this.#tell(index, error), route)
  }

  /** What was routed since. */
  take(): Sides {
    const { errorsTo } = this.#tolerance.policy
    if (errorsTo === undefined) return new Map()
    const routed = this.#routed.splice(0).sort((a, b) => a.index - b.index)
    const values = routed.map(({ told }) => told)
    const indices = Uint32Array.from(routed, ({ index }) => index)
    return new Map([[errorsTo, causedBy(this.#chunk, values, indices)]])
  }

  #tell(index: number, error: unknown): ErrorEvent {
    const event = this.#chunk.values[index]
    const position = this.#chunk.arrival.first + causeOf(this.#chunk, index)
    const key = this.#keyOf(event, inputOf(this.#chunk, index))
    return { event, error, operator: this.#tolerance.uid, key, position }
  }

  /** A key that cannot be read is none: that may be the very error. */
  #keyOf(event: unknown, input: number): unknown {
    try {
      return this.#tolerance.keyOf(event, input)
    } catch {
      return undefined
    }
  }
}

function ask(decide: Decide, told: ErrorEvent): Dealt {
  let answer: unknown
  try {
    answer = decide(told)
  } catch (error) {
    return { error }
  }
  if (answer === "fail") return { error: told.error }
  if (answer === "skip") return {}
  if (typeof answer === "object" && answer !== null && Object.hasOwn(answer, "emit")) {
    return { emit: (answer as { emit: unknown }).emit }
  }
  quiet(answer)
  const wanted = `"fail", "skip" or { emit }`
  const message = `onError must return ${wanted}, not ${typeName(answer)}`
  return { error: new MillraceError("OPTION", message) }
}

function single(chunk: Chunk, index: number, value: unknown): Chunk {
  return causedBy(chunk, [value], Uint32Array.of(index))
}
