/**
 * Account take-over, as a pattern: logins that fail at least three times, and then one that is
 * accepted, from the same address within ten minutes.
 */
import { boundedDisorder, from, pattern, skipPastLastEvent, where } from "millrace"
import type { Login } from "./logins.ts"

/** A break-in that may have happened. */
export interface Alert {
  readonly address: string
  readonly user: string
  readonly failures: number
  /** Of the first failure, and of the login that was accepted; ms. */
  readonly from: number
  readonly at: number
}

const guessed = pattern("failed", where("outcome", "==", "failed"))
  .timesOrMore(3)
  .greedy()
  .followedBy("accepted", where("outcome", "==", "accepted"))
  .within("10m")

/** A match with the most failures comes first, and takes all others of its login with it. */
export function alertsOf(logins: Iterable<Login>): Promise<Alert[]> {
  return from(logins, { time: "at", watermark: boundedDisorder("1m") })
    .keyBy("address")
    .pattern(
      guessed,
      ({ failed, accepted: [last] }, _, { key }): Alert => {
        const [first] = failed as [Login]
        const { user, at } = last as Login
        return { address: key, user, failures: failed.length, from: first.at, at }
      },
      { afterMatch: skipPastLastEvent() },
    )
    .toArray()
}
