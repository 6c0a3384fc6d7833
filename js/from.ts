/**
 * `from`: where every stream begins.
 */
import { Stream } from "./keyed.ts"
import type { EventTargetOptions } from "./sources/event_target.ts"
import { sourceNode } from "./sources/source.ts"
import type { FromOptions, Replayable } from "./sources/source.ts"

/**
 * A stream of the events of a source: an array or other iterable, an async iterable, a web stream,
 * or `{ read(position) }`, which can be read again after a restart.
 *
 * @example
 * ```ts
 * const big = await from([{ n: 1 }, { n: 20 }])
 *   .filter((event) => event.n > 10)
 *   .toArray()
 * ```
 * @throws {MillraceError} `OPTION` for anything else, and for unknown options. While running:
 *   `SOURCE` with what the source threw, `TIMESTAMP`, `CONSUMED`.
 */
export function from<T>(
  source: Iterable<T> | AsyncIterable<T> | ReadableStream<T>,
  options?: FromOptions<NoInfer<T>>,
): Stream<T>
export function from<T, P>(source: Replayable<T, P>, options?: FromOptions<NoInfer<T>>): Stream<T>
/**
 * A stream of the events of one name that an `EventTarget` dispatches: an element, a socket, a
 * worker, a signal. It never ends by itself and cannot be read again.
 *
 * It listens from when its job is opened, by `run` or at the first pull, until the job is over.
 * Events that come while the job does not pull wait, at most `bufferMax` of them; all that are
 * dispatched in one turn of the event loop have to wait, however quick the job is.
 *
 * @example
 * ```ts
 * const door = new EventTarget()
 * const job = await run(from(door, { event: "ring" }).take(1))
 * door.dispatchEvent(new Event("ring"))
 * for await (const { type } of job) console.log(type) // ring
 * await job.close()
 * ```
 * @throws {MillraceError} `OPTION` without `event`. While running: `LIMIT` when the buffer is full,
 *   unless `overflow` says what to drop; `TIMESTAMP`.
 */
export function from<T = Event>(
  target: EventTarget,
  options: EventTargetOptions<NoInfer<T>>,
): Stream<T>
export function from(source: unknown, options?: object): never {
  return new Stream(sourceNode(source, options)) as never
}
