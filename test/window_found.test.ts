/** What was wrong in windows, as random scripts found it. */
import { describe, expect, it } from "vitest"
import { count, max, min, sessions, slidingEach, sum } from "../js/index.ts"
import type { Stream } from "../js/index.ts"
import { end, event, playEverywhere, watermark } from "../js/testing/index.ts"

interface Hit {
  readonly at: number
  readonly n: number
}

const hit = (at: number, n: number) => event<Hit>({ at, n })

const discarding = (hits: Stream<Hit>) =>
  hits
    .keyBy(() => "all")
    .window(sessions(3), { allowedLateness: 25, mode: "discard" })
    .aggregate({ hits: count(), sum: sum("n"), least: min("n"), most: max("n") })

describe("sessions that discard what they have emitted", () => {
  it("take over what is in the one that they meet", async () => {
    const script = [
      hit(0, 5),
      watermark(4), // The first session has emitted, and is empty.
      hit(5, 7), // Another one.
      hit(3, 1), // Late, and between the two.
      watermark(9),
      end(),
    ]
    const { results } = await playEverywhere(discarding, script)
    expect(results["out"]).toEqual([
      { key: "all", start: 0, end: 3, hits: 1, sum: 5, least: 5, most: 5, revision: 0 },
      { key: "all", start: 0, end: 8, hits: 2, sum: 8, least: 1, most: 7, revision: 1 },
    ])
  })
})

const around = (hits: Stream<Hit>) =>
  hits
    .keyBy(() => "all")
    .window(slidingEach(3))
    .aggregate({ hits: count() })

describe("windows of each event", () => {
  it("are found as long as they are open, also by an event that is not in them", async () => {
    const script = [
      hit(0, 1),
      hit(6, 1),
      watermark(4), // The window right behind the first event, [1, 4], is open still.
      hit(6, 1),
      hit(3, 1),
      watermark(5),
    ]
    const { results } = await playEverywhere(around, script)
    expect(results["out"]).toEqual([
      { key: "all", start: -3, end: 0, hits: 1 },
      { key: "all", start: 1, end: 4, hits: 1 },
    ])
  })
})
