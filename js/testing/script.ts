/**
 * Scripts: what happens to a stream, step by step, in virtual time.
 *
 *     event  event  watermark(10)  event  clock(500)  crash()  event  end()
 *
 * A script is data: a list of steps that {@link play} goes through one after another. Each step has
 * taken its whole effect before the next one is taken.
 */

/** A step of a script. */
export type Step<T> =
  | { readonly kind: "event"; readonly value: T }
  | { readonly kind: "watermark"; readonly ms: number }
  | { readonly kind: "clock"; readonly ms: number }
  | { readonly kind: "crash" }
  | { readonly kind: "end" }

/** An event comes. */
export function event<T>(value: T): Step<T> {
  return { kind: "event", value }
}

/**
 * No event before this time will follow, ms since 1970. One that comes after all is late; a
 * watermark that goes back is ignored.
 */
export function watermark(ms: number): Step<never> {
  return { kind: "watermark", ms }
}

/** The clock stands at this time from now on, ms since 1970; it may step back. */
export function clock(ms: number): Step<never> {
  return { kind: "clock", ms }
}

/** A checkpoint is taken, the job is dropped, and a new one goes on from the checkpoint. */
export function crash(): Step<never> {
  return { kind: "crash" }
}

/** The source ends, and what is still open is emitted. Without it a script just stops. */
export function end(): Step<never> {
  return { kind: "end" }
}
