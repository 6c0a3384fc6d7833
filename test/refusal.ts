/** What a call was refused with, to be compared as a whole. */
import { MillraceError } from "../js/errors.ts"
import type { ErrorCode } from "../js/errors.ts"

/** Code and message of a refusal. */
export interface Refusal {
  readonly code: ErrorCode
  readonly message: string
}

/** Run something that must be refused; fail when it is not, or with another kind of error. */
export function refusal(run: () => unknown): Refusal {
  try {
    run()
  } catch (error) {
    return refusalOf(error)
  }
  throw new Error("expected a refusal, but the call returned")
}

/** As {@link refusal}, for something that answers later. */
export async function refusalLater(run: () => Promise<unknown>): Promise<Refusal> {
  try {
    await run()
  } catch (error) {
    return refusalOf(error)
  }
  throw new Error("expected a refusal, but the call returned")
}

function refusalOf(error: unknown): Refusal {
  if (!(error instanceof MillraceError)) throw error
  return { code: error.code, message: error.message }
}
