/**
 * The one error class of the package and the list of its codes.
 *
 * Codes are what a program branches on; messages are for people and may change. A message names
 * the operator, the option, the field or the limit, and the type of what was refused, but never a
 * value out of the user's data: data does not belong in logs.
 */

/** Every code this package can raise. Codes are API: add freely, never rename. */
export type ErrorCode =
  | "ABORTED" // An AbortSignal of the caller's; `cause` is its reason.
  | "TIMEOUT" // A function took longer than its time limit.
  | "CLOSED" // Used after close(), or an accessor used after its call.
  | "CONSUMED" // A source that can be read once was asked for a second reading.
  | "CORRUPT" // Bytes that are not ours, or were damaged.
  | "FIELD_TYPE" // A field of an event has a type that the operator cannot use.
  | "FOREIGN" // A place that holds something else; it was left untouched.
  | "INTERNAL" // A mistake of ours; please report it.
  | "KEY_MISSING" // An event has no value where its key should be.
  | "KEY_TYPE" // A value that cannot be a key; the message names its type.
  | "LIMIT" // A named limit was reached; the message names it and its value.
  | "LOCKED" // Another process, or another part of this one, holds the state.
  | "MEMORY" // `memory.maxBytes` was reached, or the host has no more.
  | "MISMATCH" // A check of `millrace/testing` has another outcome; `cause` has both.
  | "MISSING" // State that must be there is not.
  | "MODULE" // The WebAssembly module cannot be had here; `cause` says why.
  | "OPTION" // An option that does not exist, or a value that it cannot take.
  | "SERIALIZATION" // A value that cannot be saved, or sent; the message says which.
  | "SINK" // A sink of the job failed; `cause` is its error.
  | "SOURCE" // The source threw; `cause` is what it threw.
  | "STATE_CONFIG" // A state setting that makes no sense.
  | "STORAGE" // A host callback failed; `cause` is its error.
  | "TIMESTAMP" // A time that cannot be read; the message names the field.
  | "UNSUPPORTED" // A part that this version does not have.
  | "USER_FUNCTION" // The user's function threw; `cause` is what it threw.
  | "WORKER" // The worker of a job did not load, failed or was ended; `cause` is its error, if any.

/**
 * The one error class. Branch on `code`; `message` is for people.
 *
 * @example
 * ```ts
 * try {
 *   await job.finished()
 * } catch (error) {
 *   if (error instanceof MillraceError && error.code === "LOCKED") console.error("already running")
 *   else throw error
 * }
 * ```
 */
export class MillraceError extends Error {
  override readonly name = "MillraceError"
  /** What went wrong, stable over versions. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** Name the type of a value for a message, with an article, and never show the value itself. */
export function typeName(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (typeof value === "number") return Number.isNaN(value) ? "NaN" : "a number"
  if (typeof value !== "object") return `a ${typeof value}`
  if (Array.isArray(value)) return "an array"
  const className = classNameOf(value)
  if (className === undefined || className === "Object") return "an object"
  return `${/^[AEIOU]/.test(className) ? "an" : "a"} ${className}`
}

/** The constructor's name, of objects that may be proxies, revoked or built to throw. */
function classNameOf(value: object): string | undefined {
  try {
    const name: unknown = value.constructor?.name
    return typeof name === "string" && /^[A-Za-z_$][\w$]{0,60}$/.test(name) ? name : undefined
  } catch {
    return undefined
  }
}
