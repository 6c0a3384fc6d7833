/**
 * Random events of process functions, and what they do.
 */
import fc from "fast-check"
import type { KeyValue } from "../js/index.ts"
import type { Step } from "../js/testing/index.ts"
import type { Act, Deed } from "./process_acts.ts"
import type { Reference } from "./process_reference.ts"

/** How far events may be out of order. */
export const disorderMs = 10

export const keys: readonly KeyValue[] = ["a", 1, ["a", [true, 1n]]]
const entryKeys: readonly KeyValue[] = ["x", "y", 0, "0", null, ["x", 1]]
const small = fc.integer({ min: 0, max: 99 })

/** What an event does. */
export const acts: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    do: fc.constantFrom("value", "record", "list", "list", "reduce", "aggregate"),
    n: small,
  }),
  fc.record({ do: fc.constant("put"), k: fc.constantFrom(...entryKeys), n: small }),
  fc.record({ do: fc.constant("put"), k: fc.constantFrom(...entryKeys), n: small }),
  fc.record({ do: fc.constantFrom("remove", "get"), k: fc.constantFrom(...entryKeys) }),
  fc.record({ do: fc.constant("replace"), list: fc.array(small, { maxLength: 3 }) }),
  fc.record({
    do: fc.constant("clear"),
    state: fc.constantFrom("value", "record", "list", "map", "total", "mean"),
  }),
  fc.record({ do: fc.constant("read") }),
  fc.record({ do: fc.constant("read") }),
  fc.record(
    {
      do: fc.constantFrom("set", "set", "set", "unset"),
      domain: fc.constantFrom("event", "processing"),
      in: fc.integer({ min: -5, max: 30 }),
      name: fc.constantFrom("p", "q"),
    },
    { requiredKeys: ["do", "domain", "in"] },
  ),
)

/** A step, if of an event what that is and does; `ahead` and `back` make its time. */
export const draw = fc.record({
  step: fc.oneof(
    { weight: 1, arbitrary: fc.constant("restore" as const) },
    { weight: 3, arbitrary: fc.constant("clock" as const) },
    { weight: 30, arbitrary: fc.constant("event" as const) },
  ),
  key: fc.constantFrom(...keys),
  acts: fc.array(acts, { maxLength: 6 }),
  fails: fc.integer({ min: 0, max: 7 }).map((n) => n === 0),
  ahead: fc.integer({ min: 0, max: 5 }),
  back: fc.constantFrom(0, 0, 0, 3, 8, 15),
})

/** What plain code makes of a script. */
export function expectedOf(script: readonly Step<Deed>[], reference: Reference): unknown[] {
  let [now, timeMax] = [0, -Infinity]
  for (const step of script) {
    if (step.kind === "clock") now = step.ms
    if (step.kind === "end") reference.end(now)
    if (step.kind !== "event") continue
    reference.tick(now)
    timeMax = Math.max(timeMax, step.value.at)
    reference.event(step.value, timeMax - disorderMs)
  }
  return reference.results
}
