/** Joins by the time of arrival, against plain code; when events go, and what is refused. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { boundedDisorder, from, manualClock, of, outputTag, run } from "../js/index.ts"
import { within } from "../js/index.ts"
import type { Job, Stream } from "../js/index.ts"
import { hits, shown } from "./hits.ts"
import type { Hit as Timed } from "./hits.ts"
import { clock, event, playAll, playSavepoints } from "./play.ts"
import type { Step } from "./play.ts"
import { guardRejections, handFed, pull, pullToError, turns } from "./probe.ts"
import { someRuns } from "./random.ts"
import { refusal } from "./refusal.ts"

guardRejections()

interface Hit {
  readonly key: string
  readonly side: number
  readonly id: number
  readonly at: number
}

/** Events of both sides and of any times, and a clock that goes on now and then. */
const anyScript = fc
  .array(
    fc.oneof(
      fc.record({
        key: fc.constantFrom("a", "b"),
        side: fc.nat(1),
        at: fc.integer({ min: -9, max: 9 }),
      }),
      fc.nat(6),
    ),
    { maxLength: 40 },
  )
  .map((steps) => {
    let now = 0
    return steps.map((step, id): Step<Hit> => {
      return typeof step === "number" ? clock((now += step)) : event({ ...step, id })
    })
  })

/** Each event with all of the other side that came less than so long before it. */
function pairsOf(script: readonly Step<Hit>[], ms: number): string[] {
  const came: { readonly hit: Hit; readonly at: number }[] = []
  const pairs: string[] = []
  let now = 0
  for (const step of script) {
    if (step.kind === "clock") now = step.ms
    if (step.kind !== "event") continue
    const { value } = step
    for (const { hit, at } of came) {
      if (hit.key !== value.key || hit.side === value.side || now - at >= ms) continue
      pairs.push(value.side === 0 ? `${value.id} ${hit.id}` : `${hit.id} ${value.id}`)
    }
    came.push({ hit: value, at: now })
  }
  return pairs
}

const make = (ms: number) => (events: Stream<Hit>) => {
  const half = (side: number) => events.filter((hit) => hit.side === side).keyBy("key")
  return half(0).join(half(1), within(ms), (left, right) => `${left.id} ${right.id}`)
}
const anyMs = fc.constantFrom(1, 5, 10)

describe("a join within so long", () => {
  it("pairs what plain code does, in the order of arrival, whatever chunks and crashes", () =>
    fc.assert(
      fc.asyncProperty(
        ...[anyScript, anyMs, fc.constantFrom(1, 2, 7, undefined), fc.boolean()],
        async (script, ms, crashEvery, timed) => {
          const times = { time: "at", watermark: boundedDisorder(2) } as const
          const settings = timed ? { from: times } : { from: {} }
          const expected = pairsOf(script, ms)
          for (const chunkSize of [1, 7, 1024]) {
            const how = { ...settings, chunkSize, crashEvery }
            const { results, error } = await playAll<Hit>(make(ms), script, how)
            expect([results["out"], error]).toEqual([expected, undefined])
          }
        },
      ),
      { numRuns: someRuns(500) },
    ))

  it("has the same savepoints however it came there", () =>
    fc.assert(
      fc.asyncProperty(anyScript, anyMs, async (script, ms) => {
        const play = (chunkSize: number) =>
          playSavepoints<Hit>(make(ms), script, { from: {}, chunkSize, crashEvery: 5 })
        const whole = await play(1024)
        for (const chunkSize of [1, 7]) expect(await play(chunkSize)).toEqual(whole)
      }),
      { numRuns: someRuns(100) },
    ))

  const both = (left: Timed, right: Timed) => `${shown(left)} ${shown(right)}`
  const rowsOf = (job: Job<unknown>) => job.stats().operators["joinBuffers-1"]?.rows

  it("lets events go by the clock while nothing comes, and outlives a side that ends", async () => {
    const [left, right] = [handFed<Timed>(), handFed<Timed>()]
    const time = manualClock()
    const joined = from(left).keyBy("k").join(from(right).keyBy("k"), within(10), both)
    const job = await run(joined, { clock: time })
    const results = pull(job)
    left.give(...hits("a1 b2"))
    await turns()
    left.end()
    time.advance(9)
    await turns()
    right.give(...hits("a3"))
    await turns()
    expect(rowsOf(job)).toBe(3)
    time.advance(1)
    await turns()
    expect(rowsOf(job)).toBe(1)
    right.give(...hits("b4"))
    right.end()
    expect(await results).toEqual(["a1 a3"])
    await job.close()
  })

  it("gives a pair the time of the event that came last", async () => {
    const timed = { time: "at", watermark: boundedDisorder(100) } as const
    const side = (text: string) => from(hits(text), timed).keyBy("k")
    const times = side("a50 b7")
      .join(side("a9"), within("1s"), both)
      .keyBy(() => null)
      .process({
        emits: of<[string, number]>(),
        process: (pair: string, _, { timestamp }, out) => out.collect([pair, timestamp]),
      })
    expect(await times.toArray()).toEqual([["a50 a9", 9]])
  })

  it("has limits for what waits", async () => {
    const source = (text: string) => from(hits(text)).keyBy("k")
    const full = source("a1 a2 a3").join(source("b1"), within("1h"), both, {
      state: { maxSize: 2 },
    })
    expect(await pullToError(full)).toMatchObject({ code: "LIMIT" })
  })

  it("refuses what has no meaning", () => {
    const left = from(hits("a1")).keyBy("k")
    const lateTo = outputTag<Timed>("late")
    const { code, message } = refusal(() => left.join(left, within(5), both, { lateTo }))
    expect([code, message]).toEqual(["OPTION", expect.stringContaining("join.lateTo")])
    expect(refusal(() => within(0)).message).toContain("within")
  })
})
