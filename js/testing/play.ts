/**
 * `play` and its kind: what comes of a script.
 */
import { MillraceError } from "../errors.ts"
import type { JobBase, Streams } from "../handles.ts"
import { anyOf, callable, checkOptions, flag, integer, oneOf } from "../options.ts"
import type { FromOptions } from "../sources/source.ts"
import type { Stream, StreamOf } from "../stream.ts"
import { timestampOptions } from "../time/timestamps.ts"
import { watermarkOption } from "../time/watermark.ts"
import type { Watermark } from "../time/watermark.ts"
import { Player } from "./player.ts"
import type { Step } from "./script.ts"

/** How a script is played. */
export interface PlayOptions<T> {
  /**
   * The field, or function, with the time of an event, as in `from`; false: there is no event time.
   * Default: the field `at`, if every event has a number there.
   */
  readonly time?: FromOptions<T>["time"] | false
  /** How the watermark follows events. Default: it moves by `watermark` steps only. */
  readonly watermark?: Watermark<T>
  /** The most events that are processed at once; no result may depend on it. Default 1024. */
  readonly chunkSize?: number
  /** Crash after this step, counted from 0, besides the script's own crashes. Default: never. */
  readonly crashAfter?: number
  /**
   * Freeze the values of state that are objects, so that a function that changes one in place
   * throws: what it does there cannot be undone when it fails later on. Default false.
   */
  readonly freeze?: boolean
  /** The most memory of a job, bytes. Default 1 GiB. */
  readonly maxBytes?: number
  /** Look at the job when the script is over, before it is closed. */
  readonly look?: (job: JobBase) => void
}

/** What came of a script. */
export interface Played {
  /** Results by output, over all crashes. */
  readonly results: Readonly<Record<string, unknown[]>>
  /** What the job failed with; undefined if it did not. */
  readonly error: unknown
}

/** Makes the streams that a script's events go through; one alone is the output `out`. */
export type Make<T> = (events: Stream<T>) => StreamOf<unknown> | Streams

/**
 * Play a script through a stream and give its results, in order. A function that gives a promise is
 * waited for, and that takes no time of the script: between its tries (`retry`) nobody waits, and a
 * `timeout` is one of the host's clock.
 *
 * @example
 * ```ts
 * const once = (events) => events.keyBy((letter) => letter).deduplicate({ ttl: "1m" })
 * const script = [event("a"), event("a"), clock(60_000), event("a")]
 * console.log(await play(once, script)) // [ 'a', 'a' ]
 * ```
 * @throws {MillraceError} `OPTION` for options and steps that make no sense; what the job fails
 *   with.
 */
export async function play<T, O>(
  make: (events: Stream<T>) => StreamOf<O>,
  script: readonly Step<T>[],
  options?: PlayOptions<NoInfer<T>>,
): Promise<O[]> {
  const { results, error } = await playAll(make, script, options)
  if (error !== undefined) throw error as Error
  return results["out"] as O[]
}

/**
 * Play a script through one or several streams and give all that came of it, also when it failed.
 *
 * @throws {MillraceError} `OPTION` for options and steps that make no sense.
 */
export async function playAll<T>(
  make: Make<T>,
  script: readonly Step<T>[],
  options?: PlayOptions<NoInfer<T>>,
): Promise<Played> {
  const checked = checkOptions(options, playOptions, "play") as PlayOptions<T>
  const { crashAfter } = checked
  if (crashAfter === undefined) return new Player(make, script, checked).play()
  const after = crashAfter + 1
  const crashing = [...script.slice(0, after), { kind: "crash" } as const, ...script.slice(after)]
  return new Player(make, crashing, checked).play()
}

/**
 * Play a script in one chunk, in chunks of 1, 2 and 7 events, and with a crash after every step,
 * and give what came of it: that must be the same each time.
 *
 * @throws {MillraceError} `MISMATCH` that says which way of playing gave something else, the
 *   difference being its `cause`: the expected and the actual outcome.
 */
export async function playEverywhere<T>(
  make: Make<T>,
  script: readonly Step<T>[],
  options?: Omit<PlayOptions<NoInfer<T>>, "chunkSize" | "crashAfter">,
): Promise<Played> {
  const expected = await playAll(make, script, options)
  const compare = async (where: string, how: PlayOptions<T>) => {
    const actual = await playAll(make, script, { ...options, ...how })
    if (outcome(actual) === outcome(expected)) return
    const message = `the script has another outcome ${where}; see cause`
    throw new MillraceError("MISMATCH", message, { cause: { expected, actual } })
  }
  for (const chunkSize of [1, 2, 7]) await compare(`in chunks of ${chunkSize}`, { chunkSize })
  for (let step = 0; step < script.length; step++) {
    await compare(`with a crash after step ${step}`, { crashAfter: step })
  }
  return expected
}

/** Results and error as text that can be compared. */
function outcome({ results, error }: Played): string {
  const failed = error instanceof MillraceError ? `${error.code}: ${error.message}` : String(error)
  const plain = (_: string, value: unknown) =>
    typeof value === "bigint" ? `${value}n` : Object.is(value, -0) ? "-0" : (value ?? String(value))
  return JSON.stringify([results, failed], plain)
}

const playOptions = {
  time: anyOf("a field, a function or false", timestampOptions.time, oneOf(false)),
  watermark: watermarkOption,
  chunkSize: integer({ max: 65_536 }),
  crashAfter: integer({ min: 0 }),
  freeze: flag,
  maxBytes: integer({ min: 1 << 20 }),
  look: callable<(job: JobBase) => void>(),
}
