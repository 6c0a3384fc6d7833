/**
 * What a page and the worker of its job say to each other.
 *
 *     page                         worker
 *       knock ──────────────────────▶     whoever comes first: one of the two is heard
 *       ◀─────────────────────── hello
 *       call start(input) ──────────▶     and other calls, each with a number
 *       ◀─────────────────────── reply
 *       ask: done with n results ───▶     of an output, and there is room for more
 *       ◀─────────────────────── chunk    of results, as many as there is room for; then an end
 *       ◀─────────────────────── event    of a checkpoint, or a restart
 *       abort ──────────────────────▶
 *       ◀──────────────────────── gone
 *
 * Messages have the field `millrace`, so that others can use the same port.
 */
import { MillraceError, typeName } from "../errors.ts"
import type { ErrorCode } from "../errors.ts"
import type { JobListeners } from "../listeners.ts"

/** The most results of an output that are on their way, or that the page has not read yet. */
export const aheadMax = 4096

/** What a page calls. */
export type Method =
  | "start"
  | "claim"
  | "leave"
  | "finished"
  | "checkpoint"
  | "savepoint"
  | "state"
  | "stats"
  | "explain"
  | "request"
  | "close"

export interface Call {
  readonly millrace: "call"
  readonly id: number
  readonly method: Method
  readonly args: readonly unknown[]
}

/** What a page says. */
export type ToWorker =
  | { readonly millrace: "knock" }
  | Call
  /** `done`: how many results of this output were read since the start. */
  | { readonly millrace: "ask"; readonly output: number; readonly done: number }
  | { readonly millrace: "abort"; readonly reason: SentError }

/** What a worker says. An output is its place in {@link StartedJob}. */
export type ToPage =
  /** `lock`: what it holds while it lives. */
  | { readonly millrace: "hello"; readonly lock: string | undefined }
  | { readonly millrace: "reply"; readonly id: number; readonly value: unknown }
  | { readonly millrace: "refusal"; readonly id: number; readonly error: SentError }
  | { readonly millrace: "chunk"; readonly output: number; readonly results: readonly unknown[] }
  | { readonly millrace: "end"; readonly output: number; readonly error?: SentError }
  | { readonly millrace: "event"; readonly name: keyof JobListeners; readonly what: object }
  /** The job was closed, as nobody can be told of it; why. */
  | { readonly millrace: "gone"; readonly error: SentError }

/** What `start` gives. */
export interface StartedJob {
  readonly outputs: readonly { readonly name: string; readonly isTag: boolean }[]
  /** Has it one output that can be iterated? */
  readonly single: boolean
}

/** Is it a message of ours? */
export const isOurs = (message: unknown): boolean =>
  typeof message === "object" && message !== null && Object.hasOwn(message, "millrace")

/** An error as it crosses: hosts clone errors each in their own way, and without codes. */
export interface SentError {
  readonly code?: ErrorCode
  /** Undefined: not an error, but what `message` says. */
  readonly name?: string
  readonly message: string
  readonly stack?: string
  readonly cause?: SentError
}

/** A chain of causes is cut here, as it may be a ring. */
const causesMax = 8

export function sentError(error: unknown, depth = 0): SentError {
  if (!(error instanceof Error)) {
    const shown = typeof error === "string" ? error : typeName(error)
    return { message: shown }
  }
  const { name, message, stack, cause } = error
  return {
    ...(error instanceof MillraceError && { code: error.code }),
    ...{ name, message },
    ...(typeof stack === "string" && { stack }),
    ...(cause !== undefined && depth < causesMax && { cause: sentError(cause, depth + 1) }),
  }
}

/** The error again; what was thrown and is no error comes as what it was called. */
export function errorOf(sent: SentError): unknown {
  const { code, name, message, stack, cause } = sent
  if (name === undefined) return message
  const options = cause === undefined ? {} : { cause: errorOf(cause) }
  const error =
    code === undefined ? new Error(message, options) : new MillraceError(code, message, options)
  const define = (field: string, value: string) =>
    Object.defineProperty(error, field, { value, configurable: true, writable: true })
  if (code === undefined) define("name", name)
  if (stack !== undefined) define("stack", stack)
  return error
}

/** What `error` is when it is not one of ours: the function of the user's that threw it. */
export function userError(error: unknown, what: string): MillraceError {
  if (error instanceof MillraceError) return error
  return new MillraceError("USER_FUNCTION", `${what} threw; see cause`, { cause: error })
}
