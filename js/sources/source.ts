/**
 * Where events come from: one node per `from`, one reader per job.
 *
 * A reader gives what is ready and says when there is more. It never reads ahead by more than one
 * chunk, and only after it was asked: backpressure is by pull.
 */
import { MillraceError, typeName } from "../errors.ts"
import { checkOptions, duration, integer, oneOf, text } from "../options.ts"
import { errorOptions, errorPolicy } from "../on_error.ts"
import type { ErrorAnswer, ErrorEvent, ErrorPolicy } from "../on_error.ts"
import type { Duration } from "../duration.ts"
import type { AnyTag, Tag } from "../tag.ts"
import { timestampReader } from "../time/timestamps.ts"
import type { TimeUnit, TimeValue } from "../time/timestamps.ts"
import { ascending, watermarkOption } from "../time/watermark.ts"
import type { Watermark } from "../time/watermark.ts"
import { openIterable } from "./iterable.ts"
import { openAsync, openStream } from "./async.ts"
import { openReplayable } from "./replayable.ts"
import { isEventTarget, openEventTarget } from "./event_target.ts"
import type { Listening } from "./event_target.ts"

/** A source that can be read again from a position. */
export interface Replayable<T, P> {
  /**
   * Read from a position, or from the start. Each step gives events and the position of the first
   * event after them: plain data. Chunks may be cut anywhere, so the same position must give the
   * same events again.
   */
  read(
    position: P | undefined,
  ): AsyncIterable<{ readonly events: readonly T[]; readonly position: P }>
}

/** Options of `from`. */
export interface FromOptions<T> {
  /**
   * The field, or function, with the time of an event: ms numbers, bigints, `Date`s, ISO strings.
   * Without it time is when an event arrives.
   */
  readonly time?: TimeField<T> | ((event: T) => TimeValue)
  /**
   * When time has passed: `boundedDisorder(…)` says how far events may be out of order,
   * `punctuated(…)` reads it from events, `{ create }` is your own. Default `ascending()`: events
   * are in order, and those that are not are late.
   */
  readonly watermark?: Watermark<T>
  /**
   * How long nothing may come, by the job's clock, until the streams that this source is joined
   * with go on without it; where all are silent, time goes on as far as the furthest had come. What
   * it gives later may be late. Default: they wait for ever.
   */
  readonly idleAfter?: Duration
  /** The unit of number and bigint times. Default "ms". */
  readonly timeUnit?: TimeUnit
  /** The form of times that are text and not ISO 8601, such as `"dd/MMM/yyyy:HH:mm:ss XX"`. */
  readonly timeFormat?: string
  /** The zone of times in text that name none: IANA name or offset. Default "UTC". */
  readonly timeZone?: string
  /**
   * `"none"`: run durably although events before a restart cannot be read again. What is saved is
   * state without a position, and the next run reads its source from the start, also an array.
   */
  readonly replay?: "none"
  /**
   * What becomes of an event whose time cannot be read: `"fail"`, the default, ends the job;
   * `"skip"` leaves it out and counts it; `"route"` sends it to `errorsTo`; a function decides.
   */
  readonly onError?: "fail" | "skip" | "route" | ((error: ErrorEvent<T>) => ErrorAnswer<never>)
  /** Where `"route"` sends events. */
  readonly errorsTo?: Tag<ErrorEvent<T>> | Tag<ErrorEvent>
}

type TimeField<T> = {
  [Name in keyof T & string]: T[Name] extends TimeValue ? Name : never
}[keyof T & string]

/** A position as a checkpoint saves it: the source's own, and events after it. */
export interface SavedPosition {
  readonly position?: unknown
  readonly offset: number
}

/** A source at work. */
export interface Reader {
  /**
   * At most `max` events that are ready; none if none is: then `wake` will be called. Undefined at
   * the end. Throws `SOURCE`, with what the source threw as cause.
   */
  poll(max: number): readonly unknown[] | undefined
  /** The position of the first event that was not polled; undefined if it cannot be named. */
  saved(): SavedPosition | undefined
  close(): void
  /** Events that it did not keep until they were polled; undefined: it keeps all. */
  readonly dropped?: number
}

/** Start reading at a saved position, or from the start; `wake` says that `poll` has news. */
export type OpenReader = (from: SavedPosition | undefined, wake: () => void) => Reader

/** A source in the graph. */
export interface SourceNode {
  readonly kind: "source"
  readonly inputs: readonly []
  readonly uid?: undefined
  readonly schema?: undefined
  readonly storage?: undefined
  readonly tags: readonly AnyTag[]
  readonly onError: ErrorPolicy | undefined
  readonly open: OpenReader
  /** Can it be read again from a position? */
  readonly replayable: boolean
  readonly replayNone: boolean
  readonly readTime: ((event: unknown) => number) | undefined
  /** Of use with `readTime`. */
  readonly watermark: Watermark<never>
  /** After so long without an event it is idle, ms; Infinity: never. */
  readonly idleAfterMs: number
}

const options = {
  time: (given: unknown) => given,
  timeUnit: oneOf("s", "ms", "us", "ns"),
  timeFormat: text,
  timeZone: text,
  replay: oneOf("none"),
  watermark: watermarkOption,
  idleAfter: duration({ zero: false }),
  event: text,
  bufferMax: integer(),
  overflow: oneOf("error", "dropOldest", "dropNewest"),
  ...errorOptions,
}

export function sourceNode(source: unknown, given?: FromOptions<never>): SourceNode {
  const checked = checkOptions(given, options, "from")
  const { time, timeUnit, timeFormat, timeZone, watermark, replay } = checked
  const times = { time, timeUnit, timeFormat, timeZone }
  if (time === undefined) refuseTimeOptions(checked)
  return {
    kind: "source",
    inputs: [],
    ...withReplay(opener(source, listening(source, checked)), replay),
    replayNone: replay === "none",
    tags: checked.errorsTo === undefined ? [] : [checked.errorsTo],
    onError: errorPolicy(checked, "from"),
    readTime: time === undefined ? undefined : timestampReader(times as never),
    watermark: watermark ?? ascending(),
    idleAfterMs: checked.idleAfter ?? Infinity,
  }
}

function refuseTimeOptions(checked: Readonly<Record<string, unknown>>): void {
  const names = ["watermark", "idleAfter", "timeUnit", "timeFormat", "timeZone", "onError"]
  for (const name of names) {
    if (checked[name] === undefined) continue
    throw new MillraceError("OPTION", `from.${name} needs from.time: which field has the time?`)
  }
}

/** With `event` a source is listened to, also if it can be iterated, as a form can. */
function listening(source: unknown, checked: Partial<Listening>): Listening | undefined {
  const { event, bufferMax = 1024, overflow = "error" } = checked
  const target = isObject(source) && isEventTarget(source)
  if (event !== undefined && target) return { event, bufferMax, overflow }
  if (target && !isRead(source)) {
    throw new MillraceError("OPTION", "from.event must name the events of the EventTarget")
  }
  for (const name of ["event", "bufferMax", "overflow"] as const) {
    if (checked[name] === undefined) continue
    const message = `from.${name} is for an EventTarget, not for ${typeName(source)}`
    throw new MillraceError("OPTION", message)
  }
  return undefined
}

type Opener = Pick<SourceNode, "open" | "replayable">

function opener(source: unknown, heard: Listening | undefined): Opener {
  if (heard !== undefined) {
    return { open: openEventTarget(source as EventTarget, heard), replayable: false }
  }
  if (Array.isArray(source)) return { open: openIterable(source), replayable: true }
  if (isObject(source)) {
    if (isReplayable(source)) return { open: openReplayable(source), replayable: true }
    // Not every host can iterate a web stream, and none cancels it while a read is pending.
    if ("getReader" in source) {
      return { open: openStream(source as ReadableStream), replayable: false }
    }
    if (Symbol.asyncIterator in source) {
      return { open: openAsync(source as AsyncIterable<unknown>), replayable: false }
    }
    if (Symbol.iterator in source) {
      return { open: openIterable(source as Iterable<unknown>), replayable: false }
    }
  }
  const wanted =
    "an iterable, an async iterable, a ReadableStream, an EventTarget or { read(position) }"
  throw new MillraceError("OPTION", `from takes ${wanted}, not ${typeName(source)}`)
}

/** By `"none"` each run begins at the start, wherever the one before was. */
function withReplay(opener: Opener, replay: "none" | undefined): Opener {
  if (replay === undefined) return opener
  return { open: (_, wake) => opener.open(undefined, wake), replayable: false }
}

function isObject(source: unknown): source is object {
  return (typeof source === "object" && source !== null) || typeof source === "function"
}

function isRead(source: object): boolean {
  const iterable = Symbol.iterator in source || Symbol.asyncIterator in source
  return iterable || "getReader" in source || isReplayable(source)
}

/** A Node stream has a read method too, but it is async iterable. */
function isReplayable(source: object): source is Replayable<unknown, unknown> {
  if (Symbol.asyncIterator in source) return false
  return "read" in source && typeof source.read === "function"
}

/** The error of a source that threw. */
export function sourceError(cause: unknown): MillraceError {
  if (cause instanceof MillraceError && cause.code === "SOURCE") return cause
  return new MillraceError("SOURCE", "the source threw; see cause", { cause })
}

/** Begin to read; a source that throws at once is a source that threw. */
export function startReading<T>(begin: () => T): T {
  try {
    return begin()
  } catch (error) {
    throw sourceError(error)
  }
}

const wasRead = new WeakSet<object>()

/**
 * Note that a source which can be read once is being read, by whichever stream.
 *
 * @throws {MillraceError} `CONSUMED` when it was read before, or `taken` by somebody else.
 */
export function readOnce(source: object, taken = false): void {
  if (taken || wasRead.has(source)) {
    const hint = "make a new one, or use an array or { read(position) }"
    throw new MillraceError("CONSUMED", `the source can be read once and was read already: ${hint}`)
  }
  wasRead.add(source)
}
