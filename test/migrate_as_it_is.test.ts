/** A migration that changes nothing leaves no trace but the version. */
import { describe, expect, it } from "vitest"
import { from, listState, manualClock, mapState, of } from "../js/index.ts"
import { record, run, valueState } from "../js/index.ts"
import type { KeyedStream, Replayable, RunOptions } from "../js/index.ts"
import { guardRejections, pull, turns } from "./probe.ts"
import { bytesOf, contentsOf } from "./savepoints.ts"
import { visits } from "./visits.ts"
import type { Visit } from "./visits.ts"

guardRejections()

describe("state that is carried forward as it is", () => {
  const outputsOf = (events: KeyedStream<string, Visit>, version: number) => {
    const state = version === 1 ? {} : { version, migrate: (old: unknown) => old }
    const evicting = { maxSize: 3, onFull: "evict", ttl: 9 } as const
    return {
      values: events.fold(
        () => [] as number[],
        (list, { n }) => [...list, n].slice(-2),
        { state: { ...evicting, ...state } },
      ),
      records: events.fold(
        record({ n: "f64", text: "string", odd: "bool", sum: "i64", at: "timestamp" }),
        (acc, { n }) => {
          acc.text = `${acc.text}${n}`.slice(-7)
          acc.odd = n % 2 > 0
          acc.sum += BigInt(n)
          return acc
        },
        { state: { ...evicting, update: "readWrite", ...state } },
      ),
      process: events.process({
        state: {
          list: listState(of<number>(), { ttl: 12, ...state }),
          map: mapState(of<number>(), of<Visit>(), { maxSize: 5, onFull: "evict", ...state }),
          value: valueState({ default: record({ seen: "f64" }), ...state }),
        },
        emits: of<unknown>(),
        process(visit, { list, map, value }, { timers, timestamp }, out) {
          list.add(visit.n)
          map.put(visit.n % 3, visit)
          value.update({ seen: value.value().seen + 1 })
          timers.eventTime(timestamp + 3)
          out.collect([...list.values(), ...map.entries(), value.value()])
        },
        onTimer: (time, { list }, _, out) => out.collect([time, ...list.values()]),
      }),
    }
  }

  const start = (version: number, upto: number, options: RunOptions = {}) => {
    const visitsTo: Replayable<Visit, number> = {
      async *read(position = 0) {
        yield { events: visits.slice(position, upto), position: upto }
        if (upto < visits.length) await new Promise(() => undefined)
      },
    }
    const events = from(visitsTo, { time: "n" }).keyBy("user")
    return run(outputsOf(events, version), { clock: manualClock(), chunkSize: 1, ...options })
  }

  async function savepointAt(version: number, upto: number, options?: RunOptions) {
    const job = await start(version, upto, options)
    void job.finished().catch(() => undefined)
    while (job.stats().position < upto) await turns()
    const savepoint = await bytesOf(await job.savepoint())
    await job.close()
    return savepoint
  }

  async function restFrom(version: number, savepoint: Uint8Array) {
    const job = await start(version, visits.length, { from: savepoint })
    const names = ["values", "records", "process"] as const
    const results = await Promise.all(names.map((name) => pull<unknown>(job.output(name))))
    await job.close()
    return results
  }

  it.each([5, 11, 16])("is the same byte for byte, and goes on the same, at %i", async (at) => {
    const first = await savepointAt(1, at)
    const carried = await savepointAt(2, at, { from: first })
    const [before, after] = [await contentsOf(first), await contentsOf(carried)]
    expect(after.segments).toEqual(before.segments)
    const versions = after.header.states.map(({ schema }) => schema.version)
    expect(versions).toEqual([2, 2, 2, 2, 2, undefined, undefined])
    expect(await restFrom(2, first)).toEqual(await restFrom(1, first))
  })
})
