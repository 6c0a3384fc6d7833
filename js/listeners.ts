/**
 * What a job tells of its checkpoints and restarts, as it happens.
 */
import { MillraceError } from "./errors.ts"
import type { Restored } from "./stats.ts"

/** Functions that are called when something becomes of a checkpoint, or of an error. */
export interface JobListeners {
  /** One is durable: how much was written for it, bytes, and how long that took, ms. */
  checkpoint?(taken: {
    readonly epoch: number
    readonly bytes: number
    readonly durationMs: number
  }): void
  /** One was given up, which is so many in a row; what it would have saved is in the next one. */
  checkpointFailed?(failed: { readonly error: unknown; readonly failures: number }): void
  /** The job goes on where a checkpoint was, newer ones being damaged, or from a savepoint. */
  restored?(from: Restored): void
  /** The job goes on after an error, as `run({ restart })` says; so many attempts in a row. */
  restarted?(again: { readonly error: unknown; readonly attempts: number }): void
}

type Told<Name extends keyof JobListeners> = Parameters<NonNullable<JobListeners[Name]>>[0]

/** Call a listener. Throws `USER_FUNCTION` if it throws. */
export function tell<Name extends keyof JobListeners>(
  listeners: JobListeners,
  name: Name,
  what: Told<Name>,
): void {
  try {
    ;(listeners[name] as ((what: Told<Name>) => void) | undefined)?.(what)
  } catch (cause) {
    throw new MillraceError("USER_FUNCTION", `on.${name} threw; see cause`, { cause })
  }
}
