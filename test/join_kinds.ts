/**
 * Joins by event time against plain code that keeps all events: late ones, duplicates, missing
 * sides, every order of the inputs, chunks, restores.
 */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { boundedDisorder, from, memoryStorage, outputTag, run } from "../js/index.ts"
import type { JobBase, KeyedStream, Stream, StreamOf, Tag } from "../js/index.ts"
import { anyMixed, anySides } from "./join_reference.ts"
import type { Hit } from "./join_reference.ts"
import { event, playAll, playSavepoints } from "./play.ts"
import { handFed, pull, turns } from "./probe.ts"
import { someRuns, someTime } from "./random.ts"

/** An event, and the watermark of its own source when it came. */
export interface Seen {
  readonly hit: Hit
  readonly watermark: number
}

/** A way to join. */
export interface JoinKind<Spec> {
  readonly specs: fc.Arbitrary<Spec>
  make(
    left: KeyedStream<string, Hit>,
    right: KeyedStream<string, Hit>,
    spec: Spec,
    lateTo: Tag<Hit>,
  ): Stream<string>
  isLate(seen: Seen, spec: Spec): boolean
  /** What events come to of which none is late, those of each side in the order of arrival. */
  join(lefts: readonly Seen[], rights: readonly Seen[], spec: Spec): readonly string[]
}

const timeout = someTime
const late = outputTag<Hit>("late")
const anyDisorder = fc.constantFrom(0, 2, 8)
const anyChunkSize = fc.constantFrom(1, 7, 1024)

/** The events of one source as they come. */
function seenOf(hits: readonly Hit[], disorderMs: number): Seen[] {
  let latest = -Infinity
  return hits.map((hit) => {
    const watermark = latest - disorderMs
    latest = Math.max(latest, hit.at)
    return { hit, watermark }
  })
}

const idsOf = (hits: readonly Hit[]) => hits.map(({ side, id }) => `${side} ${id}`).sort()

export function testJoinKind<Spec>(name: string, kind: JoinKind<Spec>): void {
  const make = (left: Stream<Hit>, right: Stream<Hit>, spec: Spec) =>
    kind.make(left.keyBy("key"), right.keyBy("key"), spec, late)

  /** What comes of the events of some sources; the sides of each event are in it. */
  function expectedOf(sources: readonly (readonly Hit[])[], disorderMs: number, spec: Spec) {
    const seen = sources.flatMap((hits) => seenOf(hits, disorderMs))
    const counted = seen.filter((each) => !kind.isLate(each, spec))
    const [lefts, rights] = [0, 1].map((side) => counted.filter(({ hit }) => hit.side === side))
    return {
      results: [...kind.join(lefts as Seen[], rights as Seen[], spec)].sort(),
      late: idsOf(seen.filter((each) => kind.isLate(each, spec)).map(({ hit }) => hit)),
    }
  }

  /** All results of these outputs. */
  async function resultsOf(job: JobBase & { output(name: never): AsyncIterable<unknown> }) {
    const outputs = ["out", late].map((output) => pull(job.output(output as never)))
    const [results, lateOnes] = await Promise.all(outputs)
    return { results: (results as string[]).sort(), late: idsOf(lateOnes as Hit[]) }
  }

  const makeOfOne = (spec: Spec) => (events: Stream<Hit>) => {
    const half = (side: number) => events.filter((hit) => hit.side === side)
    return make(half(0), half(1), spec)
  }
  const settingsOf = (disorderMs: number) =>
    ({ time: "at", watermark: boundedDisorder(disorderMs) }) as const

  describe(name, () => {
    it("gives what plain code does", { timeout }, () =>
      fc.assert(
        fc.asyncProperty(
          ...[anySides, kind.specs, anyDisorder, anyChunkSize, fc.boolean()],
          async (sides, spec, disorderMs, chunkSize, rightFirst) => {
            const [left, right] = sides.map((hits) => from(hits, settingsOf(disorderMs)))
            const out = make(left as Stream<Hit>, right as Stream<Hit>, spec)
            const streams: Record<string, StreamOf<unknown>> = rightFirst
              ? { first: right as Stream<Hit>, out }
              : { out }
            const job = await run(streams, { chunkSize })
            expect(await resultsOf(job)).toEqual(expectedOf(sides, disorderMs, spec))
            await job.close()
          },
        ),
        { numRuns: someRuns(500) },
      ),
    )

    it("gives the same in whatever order the inputs come", { timeout }, () =>
      fc.assert(
        fc.asyncProperty(
          ...[anySides, kind.specs, anyDisorder, fc.infiniteStream(fc.boolean())],
          async (sides, spec, disorderMs, turnsOf) => {
            const fed = [handFed<Hit>(), handFed<Hit>()] as const
            const [left, right] = fed.map((source) => from(source, settingsOf(disorderMs)))
            const job = await run({ out: make(left as Stream<Hit>, right as Stream<Hit>, spec) })
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
            expect(await results).toEqual(expectedOf(sides, disorderMs, spec))
            await job.close()
          },
        ),
        { numRuns: someRuns(200) },
      ),
    )

    it("goes on from a checkpoint in the middle", { timeout }, () =>
      fc.assert(
        fc.asyncProperty(
          ...[anySides, kind.specs, anyDisorder, anyChunkSize, fc.double({ min: 0, max: 1 })],
          async (sides, spec, disorderMs, chunkSize, share) => {
            const makeAll = () => {
              const [left, right] = sides.map((hits) => from(hits, settingsOf(disorderMs)))
              return make(left as Stream<Hit>, right as Stream<Hit>, spec)
            }
            const { results: whole } = expectedOf(sides, disorderMs, spec)
            const at = Math.floor((Number.isNaN(share) ? 0 : share) * whole.length)
            const storage = memoryStorage()
            const first = await run(makeAll(), { storage, chunkSize })
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
            const second = await run(makeAll(), { storage, chunkSize: 3 })
            const after = await pull(second)
            // A result that came with the checkpoint was handed out before it.
            const all = [...before.slice(0, whole.length - after.length), ...after]
            expect(all.sort()).toEqual(whole)
            await second.close()
          },
        ),
        { numRuns: someRuns(150) },
      ),
    )

    it("of two halves of one stream is the same whatever chunks and crashes", { timeout }, () =>
      fc.assert(
        fc.asyncProperty(
          ...[anyMixed, kind.specs, anyDisorder, fc.constantFrom(1, 2, 7)],
          async (hits, spec, disorderMs, crashEvery) => {
            const script = hits.map(event)
            const make = makeOfOne(spec)
            const made = (events: Stream<Hit>) => {
              const out = make(events)
              return { out, routed: out.sideOutput(late) }
            }
            const settings = settingsOf(disorderMs)
            const play = (chunkSize: number, crashes: { crashEvery?: number } = {}) =>
              playAll<Hit>(made, script, { from: settings, chunkSize, ...crashes })
            const whole = await play(1024)
            const { out = [], routed = [] } = whole.results as Record<string, unknown[]>
            expect({
              results: [...(out as string[])].sort(),
              late: idsOf(routed as Hit[]),
            }).toEqual(expectedOf([hits], disorderMs, spec))
            expect(whole.error).toBeUndefined()
            for (const chunkSize of [1, 7]) expect(await play(chunkSize)).toEqual(whole)
            expect(await play(7, { crashEvery })).toEqual(whole)
          },
        ),
        { numRuns: someRuns(150) },
      ),
    )

    it("has the same savepoints however it came there", { timeout }, () =>
      fc.assert(
        fc.asyncProperty(anyMixed, kind.specs, anyDisorder, async (hits, spec, disorderMs) => {
          const play = (chunkSize: number) =>
            playSavepoints<Hit>(makeOfOne(spec), hits.map(event), {
              from: settingsOf(disorderMs),
              chunkSize,
              crashEvery: 5,
            })
          const whole = await play(1024)
          for (const chunkSize of [1, 7]) expect(await play(chunkSize)).toEqual(whole)
        }),
        { numRuns: someRuns(60) },
      ),
    )
  })
}
