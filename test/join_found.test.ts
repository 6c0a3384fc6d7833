/** What was wrong in joins, as readers found it. */
import { describe, expect, it } from "vitest"
import { from, tumbling, windowJoin } from "../js/index.ts"

describe("an event that is undefined", () => {
  it("has the state of its own key where it has no partner", async () => {
    const lefts = from([undefined, undefined], { time: () => 1 }).keyBy((): string => "key")
    const rights = from([{ key: "other" }], { time: () => 1 }).keyBy((right) => right.key)
    const alone = windowJoin(tumbling(5), { type: "left" })
    const counts = lefts.join(rights, alone, (_, __, seen) => seen.update((n) => n + 1), {
      state: { value: () => 0 },
    })
    expect(await counts.toArray()).toEqual([1, 2])
  })
})
