/** What users write of patterns must compile, and what is wrong must not; `tsc` is the test. */
import { from, of, outputTag, pattern, skipToLast, where } from "../js/index.ts"
import type { StateAccess, TimedOutMatch } from "../js/index.ts"
import { exactly } from "./exactly.ts"

interface UserEvent {
  user_id: string
  amount: number
  timestamp: number
}
declare const events: UserEvent[]

const twoCharges = pattern("small", where("amount", "<", 5))
  .oneOrMore()
  .followedBy("large", (event: UserEvent, { small }) => event.amount > 2 * small.length)
  .within("1m")
const byUserId = from(events, { time: "timestamp" }).keyBy("user_id")

export const foundCharges = byUserId.pattern(twoCharges, ({ small, large }, _, { key }) => {
  exactly<readonly UserEvent[]>()(large, true)
  exactly<string>()(key, true)
  return small.length > 1 ? { key, times: small.length } : undefined
})
export async function chargeResults(): Promise<void> {
  for await (const result of foundCharges) exactly<{ key: string; times: number }>()(result, true)
}

export const numberedCharges = byUserId.pattern(
  twoCharges,
  ({ large }, state) => [large[0]?.amount, state.update((n) => n + 1)] as const,
  {
    state: { value: () => 0 },
    afterMatch: skipToLast("small"),
    timedOutTo: outputTag("over", of<TimedOutMatch<UserEvent, "small" | "large", string>>()),
    lateTo: outputTag("late", of<UserEvent>()),
  },
)

export function wrongPatterns(): void {
  // @ts-expect-error events of another type
  from([{ amount: "1" }]).pattern(twoCharges, () => 1)
  // @ts-expect-error no step of this name
  byUserId.pattern(twoCharges, ({ middle }) => void middle)
  // @ts-expect-error no step of this name to skip to
  byUserId.pattern(twoCharges, () => 1, { afterMatch: skipToLast("middle") })
  // @ts-expect-error without state there is none
  byUserId.pattern(twoCharges, (_, state: StateAccess<number>) => state.exists())
  // @ts-expect-error no comparison
  where("amount", "=", 1)
  // @ts-expect-error no duration
  twoCharges.within("1 minute")
}
