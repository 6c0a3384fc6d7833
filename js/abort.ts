/**
 * A job's AbortSignal.
 */
import { MillraceError } from "./errors.ts"

/** Throws `ABORTED` if the signal was given already. */
export function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal)
}

export function aborted(signal: AbortSignal): MillraceError {
  return new MillraceError("ABORTED", "the job was aborted; see cause", { cause: signal.reason })
}
