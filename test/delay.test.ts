/** A throttle that delays what does not pass. */
import { describe, expect, it } from "vitest"
import { from, manualClock, memoryStorage, of, outputTag, run } from "../js/index.ts"
import type { ErrorEvent, ThrottleOptions } from "../js/index.ts"
import { refusal } from "./refusal.ts"
import { errorFrom, guardRejections, handFed, pull, turns } from "./probe.ts"

guardRejections()

interface Hit {
  readonly k: string
  readonly n: number
}

type Options = Pick<ThrottleOptions<Hit>, "algorithm" | "limit" | "per" | "burst" | "queueSize">

/** Give hits at their times, and tell when each came out: "a1@10". */
async function played(script: readonly (readonly [at: number, hit: string])[], options: Options) {
  const clock = manualClock()
  const fed = handFed<Hit>()
  const calm = from(fed)
    .keyBy("k")
    .throttle({ ...options, overflow: "delay" })
  const job = await run(calm, { clock })
  const out: string[] = []
  const read = (async () => {
    for await (const { k, n } of job) out.push(`${k}${n}@${clock.now()}`)
  })()
  let n = 0
  for (const [at, keys] of script) {
    while (clock.now() < at) {
      clock.advance(1)
      await turns(2)
    }
    fed.give(...[...keys].map((k) => ({ k, n: n++ })))
    await turns(4)
  }
  fed.end()
  await turns(4)
  for (let ms = 0; ms < 100; ms++) {
    clock.advance(1)
    await turns(2)
  }
  await read
  await job.close()
  return out
}

describe("throttle with overflow delay", () => {
  it.each([
    ["sliding", {}, "a0@0 a1@0 a2@10 b4@3 a3@10 b5@3 b6@13 a7@20"],
    ["fixed", {}, "a0@0 a1@0 b4@3 b5@3 a2@10 a3@10 b6@10 a7@20"],
    ["tokenBucket", { burst: 2 }, "a0@0 a1@0 b4@3 b5@3 a2@5 b6@8 a3@10 a7@15"],
    ["gcra", { burst: 2 }, "a0@0 a1@0 b4@3 b5@3 a2@5 b6@8 a3@10 a7@15"],
  ] as const)("lets events go as soon as %s lets them pass", async (algorithm, burst, wanted) => {
    const script = [[0, "aaaa"], [3, "bbb"], [8, "a"]] as const // prettier-ignore
    const out = await played(script, { algorithm, limit: 2, per: 10, ...burst })
    expect(out.sort()).toEqual(wanted.split(" ").sort())
  })

  it("keeps the order of a key, and never holds up another", async () => {
    const script = [[0, "aaaaaaab"], [1, "b"]] as const // prettier-ignore
    expect(await played(script, { limit: 1, per: 5 })).toEqual([
      "a0@0",
      "b7@0",
      "a1@5",
      "b8@5",
      "a2@10",
      "a3@15",
      "a4@20",
      "a5@25",
      "a6@30",
    ])
  })

  it("refuses more than may wait, and what was refused takes nobody's place", async () => {
    const clock = manualClock()
    const errors = outputTag("errors", of<ErrorEvent>())
    const fed = handFed<Hit>()
    const calm = from(fed).keyBy("k").throttle({
      limit: 1,
      per: 10,
      overflow: "delay",
      queueSize: 2,
      onError: "route",
      errorsTo: errors,
    })
    const job = await run({ calm, refused: calm.sideOutput(errors) }, { clock })
    const all = [pull(job.output("calm")), pull(job.output("refused"))] as const
    fed.give(...[0, 1, 2, 3, 4].map((n) => ({ k: "a", n })))
    await turns()
    clock.advance(10)
    await turns()
    fed.give({ k: "a", n: 5 })
    fed.end()
    for (let ms = 0; ms < 40; ms++) {
      await turns(2)
      clock.advance(1)
    }
    const [passed, refused] = await Promise.all(all)
    expect(passed.map(({ n }) => n)).toEqual([0, 1, 2, 5])
    expect(refused.map(({ error, event }) => [(error as Error).message, event])).toEqual(
      [3, 4].map((n) => [
        "throttle-1: could not apply an event: throttle.queueSize of 2 is reached",
        { k: "a", n },
      ]),
    )
    await job.close()
  })

  it("lets go at once what onError emits, which need not have a key", async () => {
    const clock = manualClock()
    const hits = [0, 1, 2, 3].map((n) => ({ k: "a", n }))
    const onError = () => ({ emit: null })
    const calm = from<Hit | null>(hits)
      .keyBy((hit) => hit?.k)
      .throttle({ limit: 1, per: 10, overflow: "delay", queueSize: 1, onError })
    const job = await run(calm, { clock })
    const read = pull(job)
    await turns(10)
    clock.advance(10)
    expect(await read).toEqual([hits[0], null, null, hits[1]])
    await job.close()
  })

  it("goes on after a restart where it was, with what is overdue at once", async () => {
    const storage = memoryStorage()
    const clock = manualClock()
    const hits = [0, 1, 2, 3].map((n) => ({ k: "a", n }))
    const make = () =>
      from(hits).keyBy("k").throttle({ uid: "calm", limit: 1, per: 10, overflow: "delay" })
    const first = await run(make(), { storage, clock })
    const results = first[Symbol.asyncIterator]()
    expect((await results.next()).value).toEqual(hits[0])
    const second = results.next()
    await turns(10)
    clock.advance(10)
    expect((await second).value).toEqual(hits[1])
    await first.close()
    await results.next()

    const again = await run(make(), { storage, clock })
    const read = pull(again)
    for (let ms = 0; ms < 60; ms++) {
      await turns(2)
      clock.advance(1)
    }
    expect((await read).map(({ n }) => n)).toEqual([0, 1, 2, 3])
    await again.close()
  })

  it("does not wait for a queue that nobody hears of any more", async () => {
    const clock = manualClock()
    const events = from([1, 2, 3, 4])
    const calm = events.throttle({ limit: 1, per: 10, overflow: "delay" }).take(2)
    const job = await run({ calm, events }, { clock })
    const read = Promise.all([pull(job.output("calm")), pull(job.output("events"))])
    await turns(10)
    clock.advance(10)
    expect(await read).toEqual([
      [1, 2],
      [1, 2, 3, 4],
    ])
    await job.close()
  })

  it("waits for its queue at the end of a source, by the host's clock, too", async () => {
    const calm = from([1, 2, 3]).throttle({ limit: 1, per: 5, overflow: "delay" })
    expect(await calm.toArray()).toEqual([1, 2, 3])
  })

  it("lets any number go at once", async () => {
    const clock = manualClock()
    const limit = 150_000
    const options = { algorithm: "fixed", limit, per: 10, queueSize: limit } as const
    const all = Array.from({ length: 2 * limit }, (_, n) => n)
    const calm = from(all).throttle({ ...options, overflow: "delay" })
    const job = await run(calm, { clock })
    const read = pull(job)
    for (let ms = 0; ms < 12; ms++) {
      await turns(200)
      clock.advance(1)
    }
    expect((await read).length).toBe(2 * limit)
    await job.close()
  })

  it("is refused in event time, and what goes with it elsewhere", async () => {
    const timed = from([{ at: 1 }], { time: "at" }).throttle({
      limit: 1,
      per: 10,
      overflow: "delay",
    })
    expect(await errorFrom(() => timed.toArray())).toMatchObject({
      code: "OPTION",
      message:
        'throttle-1.overflow "delay": a delay needs processing time: leave from.time out, ' +
        'or use "drop" or "route"',
    })
    expect(refusal(() => from([1]).throttle({ limit: 1, per: 1, queueSize: 5 }))).toEqual({
      code: "OPTION",
      message: 'throttle.queueSize needs throttle.overflow "delay"',
    })
  })
})
