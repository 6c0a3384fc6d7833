/**
 * Interval joins against plain code that keeps all events: late ones, duplicates, missing sides,
 * every order of the inputs, chunks, restores.
 */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { boundedDisorder, from, interval, memoryStorage, outputTag, run } from "../js/index.ts"
import type { EvictedKey, JobBase, Stream, StreamOf } from "../js/index.ts"
import { anyMixed, anyNear, anySides, isNear, joined, shown } from "./join_reference.ts"
import type { Hit, Near } from "./join_reference.ts"
import { event, playAll, playSavepoints } from "./play.ts"
import { guardRejections, handFed, pull, turns } from "./probe.ts"
import { randoms, someRuns, someTime } from "./random.ts"

guardRejections()

const timeout = someTime
const late = outputTag<Hit>("late")
const evictedTo = outputTag<EvictedKey<string>>("evicted")
const anyDisorder = fc.constantFrom(0, 2, 8)
const anyChunkSize = fc.constantFrom(1, 7, 1024)

/** A join of two streams; `arrived` gets all events in the order in which they come to it. */
function join(left: Stream<Hit>, right: Stream<Hit>, near: Near, arrived: Hit[] = []) {
  const noted = (stream: Stream<Hit>) => stream.tap((hit) => void arrived.push(hit)).keyBy("key")
  return noted(left).join(noted(right), interval(near), shown, { lateTo: late })
}

/** All results of these outputs. */
async function resultsOf(job: JobBase & { output(name: never): AsyncIterable<unknown> }) {
  const [pairs, lateOnes] = await Promise.all([
    pull(job.output("out" as never)),
    pull(job.output(late as never)),
  ])
  return { pairs, late: lateOnes as Hit[] }
}

const bySide = ({ side }: Hit) => side
const byId = (hits: readonly Hit[]) => [...hits].sort((a, b) => a.side - b.side || a.id - b.id)

/** Whoever runs ahead: the pairs of all events that are not late in their own source. */
function pairsOf(sides: readonly (readonly Hit[])[], near: Near, disorderMs: number): string[] {
  const { late } = joined(sides.flat(), near, disorderMs, bySide)
  const [lefts = [], rights = []] = sides.map((hits) => hits.filter((hit) => !late.includes(hit)))
  return lefts.flatMap((left) =>
    rights.filter((right) => isNear(left, right, near)).map((right) => shown(left, right)),
  )
}

describe("an interval join", () => {
  it("gives each pair once, in the order of events, as plain code does", { timeout }, () =>
    fc.assert(
      fc.asyncProperty(
        ...[anySides, anyNear, anyDisorder, anyChunkSize, fc.boolean()],
        async (sides, near, disorderMs, chunkSize, rightFirst) => {
          const settings = { time: "at", watermark: boundedDisorder(disorderMs) } as const
          const [left, right] = sides.map((hits) => from(hits, settings))
          const arrived: Hit[] = []
          const out = join(left as Stream<Hit>, right as Stream<Hit>, near, arrived)
          const streams: Record<string, StreamOf<unknown>> = rightFirst
            ? { first: right as Stream<Hit>, out }
            : { out }
          const job = await run(streams, { chunkSize })
          const results = await resultsOf(job)
          const expected = joined(arrived, near, disorderMs, bySide)
          expect(results).toEqual({ pairs: expected.pairs, late: expected.late })
          expect([...results.pairs].sort()).toEqual(pairsOf(sides, near, disorderMs).sort())
          await job.close()
        },
      ),
      { numRuns: someRuns(500) },
    ),
  )

  it("gives the same pairs in whatever order the inputs come", { timeout }, () =>
    fc.assert(
      fc.asyncProperty(
        ...[anySides, anyNear, anyDisorder, fc.infiniteStream(fc.boolean())],
        async (sides, near, disorderMs, turnsOf) => {
          const settings = { time: "at", watermark: boundedDisorder(disorderMs) } as const
          const fed = [handFed<Hit>(), handFed<Hit>()] as const
          const [left, right] = fed.map((source) => from(source, settings))
          const arrived: Hit[] = []
          const out = join(left as Stream<Hit>, right as Stream<Hit>, near, arrived)
          const job = await run({ out })
          const results = resultsOf(job)
          const waiting = sides.map((hits) => [...hits])
          while (waiting.some((hits) => hits.length > 0)) {
            const side = turnsOf.next().value === true ? 1 : 0
            const hit = waiting[side]?.shift()
            if (hit === undefined) fed[side].end()
            else fed[side].give(hit)
            await turns(2)
          }
          for (const source of fed) source.end()
          const { pairs, late } = await results
          expect(pairs).toEqual(joined(arrived, near, disorderMs, bySide).pairs)
          expect([...pairs].sort()).toEqual(pairsOf(sides, near, disorderMs).sort())
          expect(byId(late)).toEqual(joined(sides.flat(), near, disorderMs, bySide).late)
          await job.close()
        },
      ),
      { numRuns: someRuns(200) },
    ),
  )

  it("goes on from a checkpoint in the middle", { timeout }, () =>
    fc.assert(
      fc.asyncProperty(
        ...[anySides, anyNear, anyDisorder, anyChunkSize, fc.double({ min: 0, max: 1 })],
        async (sides, near, disorderMs, chunkSize, share) => {
          const settings = { time: "at", watermark: boundedDisorder(disorderMs) } as const
          const make = () => {
            const [left, right] = sides.map((hits) => from(hits, settings))
            return join(left as Stream<Hit>, right as Stream<Hit>, near)
          }
          const whole = pairsOf(sides, near, disorderMs)
          const at = Math.floor((Number.isNaN(share) ? 0 : share) * whole.length)
          const storage = memoryStorage()
          const first = await run(make(), { storage, chunkSize })
          const results = first[Symbol.asyncIterator]()
          const before: string[] = []
          while (before.length < at) before.push((await results.next()).value as string)
          let taken = false
          const checkpoint = first.checkpoint().then(() => (taken = true))
          while (!taken) {
            const step = await Promise.race([results.next(), checkpoint])
            if (typeof step === "object" && step.done !== true) before.push(step.value)
          }
          await first.close()
          const second = await run(make(), { storage, chunkSize: 3 })
          const after = await pull(second)
          // A result that came with the checkpoint was handed out before it.
          const all = [...before.slice(0, whole.length - after.length), ...after]
          expect(all.sort()).toEqual(whole.sort())
          await second.close()
        },
      ),
      { numRuns: someRuns(150) },
    ),
  )

  it("of two halves of one stream is the same whatever crashes, and evicts", { timeout }, () =>
    fc.assert(
      fc.asyncProperty(
        ...[anyMixed, anyNear, anyDisorder, anyChunkSize],
        fc.record({
          maxSize: fc.constantFrom(undefined, 1, 3, 8),
          crashEvery: fc.constantFrom(1, 2, 7, undefined),
        }),
        async (hits, near, disorderMs, chunkSize, { maxSize, crashEvery }) => {
          const make = (events: Stream<Hit>) => {
            const [left, right] = [0, 1].map((side) => events.filter((hit) => hit.side === side))
            const state =
              maxSize === undefined
                ? { lateTo: late }
                : { lateTo: late, evictedTo, state: { maxSize, onFull: "evict" as const } }
            const out = (left as Stream<Hit>)
              .keyBy("key")
              .join((right as Stream<Hit>).keyBy("key"), interval(near), shown, state)
            const evicted = maxSize === undefined ? {} : { gone: out.sideOutput(evictedTo) }
            return { out, routed: out.sideOutput(late), ...evicted }
          }
          const watermark = boundedDisorder(disorderMs)
          const options = { from: { time: "at", watermark } as const, chunkSize, crashEvery }
          const { results, error } = await playAll<Hit>(make, hits.map(event), options)
          if (error !== undefined) throw error as Error
          const expected = joined(hits, near, disorderMs, () => 0, maxSize)
          expect(results["out"]).toEqual(expected.pairs)
          expect(results["routed"]).toEqual(expected.late)
          if (maxSize === undefined) return
          const told = (results["gone"] as EvictedKey<string>[]).map(({ key, state }) => ({
            key,
            state,
          }))
          expect(told).toEqual(expected.evicted.map((hit) => ({ key: hit.key, state: hit })))
        },
      ),
      { numRuns: someRuns(300) },
    ),
  )

  it("has the same savepoints however it came there", { timeout }, () =>
    fc.assert(
      fc.asyncProperty(anyMixed, anyNear, anyDisorder, async (hits, near, disorderMs) => {
        const make = (events: Stream<Hit>) => {
          const half = (side: number) => events.filter((hit) => hit.side === side).keyBy("key")
          return half(0).join(half(1), interval(near), shown)
        }
        const settings = { time: "at", watermark: boundedDisorder(disorderMs) } as const
        const play = (chunkSize: number) =>
          playSavepoints<Hit>(make, hits.map(event), { from: settings, chunkSize, crashEvery: 5 })
        const whole = await play(1024)
        expect(whole.played.results["out"]).toEqual(joined(hits, near, disorderMs, () => 0).pairs)
        for (const chunkSize of [1, 7]) expect(await play(chunkSize)).toEqual(whole)
      }),
      { numRuns: someRuns(100) },
    ),
  )

  it("takes no longer where a busy key comes far out of order", async () => {
    const random = randoms(7)
    const size = 20_000
    const settings = { time: "at", watermark: boundedDisorder("1h") } as const
    const [lefts, rights] = [0, 1].map((side) =>
      Array.from({ length: size }, (_, id): Hit => {
        return { key: "a", at: id * 10 + Math.floor(random() * 3e6), id, side }
      }),
    ) as [Hit[], Hit[]]
    const counts = new Map<number, number>()
    for (const { at } of rights) counts.set(at, (counts.get(at) ?? 0) + 1)
    let expected = 0
    for (const { at } of lefts) {
      for (let time = at - 20; time <= at + 9; time++) expected += counts.get(time) ?? 0
    }
    const near = { before: 20, after: 9 }
    const results = await join(from(lefts, settings), from(rights, settings), near).toArray()
    expect(results).toHaveLength(expected)
  })
})
