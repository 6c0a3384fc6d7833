/** Functions of events alone that give promises. */
import { describe, expect, it } from "vitest"
import { from, manualClock, run } from "../js/index.ts"
import { errorFrom, guardRejections, handFed, pull, turns } from "./probe.ts"

guardRejections()

describe("mapAsync", () => {
  it("keeps order with many in flight, and comes to the end", async () => {
    let most = 0
    let running = 0
    const doubled = from(Array.from({ length: 200 }, (_, n) => n)).mapAsync(
      async (n) => {
        most = Math.max(most, ++running)
        await turns(n % 5)
        running--
        return n * 2
      },
      { concurrency: 8 },
    )
    expect(await doubled.toArray()).toEqual(Array.from({ length: 200 }, (_, n) => n * 2))
    expect(most).toBe(8)
  })

  it("takes values as they are, and nothing at all", async () => {
    expect(
      await from([1, 2])
        .mapAsync((n) => n + 1)
        .toArray(),
    ).toEqual([2, 3])
    expect(
      await from<number>([])
        .mapAsync(async (n) => n)
        .toArray(),
    ).toEqual([])
  })

  it("tries again after waits that double, and tells the last error", async () => {
    const clock = manualClock()
    const tries: [number, number][] = []
    const fed = handFed<number>()
    const stream = from(fed).mapAsync(
      async (n) => {
        tries.push([n, clock.now()])
        if (tries.length < 4 || n === 2) throw new Error(`try ${tries.length}`)
        return n
      },
      { concurrency: 1, retry: { attempts: 3, delay: 10, maxDelay: 25 } },
    )
    const job = await run(stream, { clock })
    const results = job[Symbol.asyncIterator]()
    const first = results.next()
    fed.give(1)
    for (let at = 0; at < 60; at++) {
      await turns(2)
      clock.advance(1)
    }
    expect((await first).value).toBe(1)
    expect(tries).toEqual([
      [1, 0],
      [1, 10],
      [1, 30],
      [1, 55],
    ])
    const second = errorFrom(() => results.next())
    fed.give(2)
    for (let at = 0; at < 60; at++) {
      await turns(2)
      clock.advance(1)
    }
    expect(await second).toMatchObject({ code: "USER_FUNCTION", cause: new Error("try 8") })
    await job.close()
  })

  it("waits no longer than maxDelay, the first time either", async () => {
    const clock = manualClock()
    let tries = 0
    const stream = from([1]).mapAsync(
      async (n) => {
        if (++tries < 2) throw new Error("no")
        return n
      },
      { retry: { attempts: 1, delay: "1h", maxDelay: 10 } },
    )
    const job = await run(stream, { clock })
    const read = pull(job)
    await turns(10)
    clock.advance(10)
    expect(await read).toEqual([1])
    await job.close()
  })

  it("asks a clock for nothing but what a clock has, whatever else is on it", async () => {
    const refused = () => {
      throw new Error("not a part of Clock")
    }
    const clock = { ...manualClock(), after: undefined, pause: refused, deadline: refused }
    let tries = 0
    const stream = from([1]).mapAsync(
      async (n) => {
        if (++tries === 1) throw new Error("not yet")
        return n
      },
      { timeout: "1m", retry: { attempts: 1, delay: 1 } },
    )
    const job = await run(stream, { clock: clock as never })
    expect(await pull(job)).toEqual([1])
  })

  it("waits for no clock where there is no delay", async () => {
    let tries = 0
    const stream = from([1]).mapAsync(
      async (n) => {
        if (++tries < 4) throw new Error("no")
        return n
      },
      { retry: { attempts: 3, delay: 0 } },
    )
    const job = await run(stream, { clock: manualClock() })
    expect(await pull(job)).toEqual([1])
    await job.close()
  })

  it("gives a try up when it takes too long, and tells its signal", async () => {
    const clock = manualClock()
    const aborted: unknown[] = []
    const stream = from([1]).mapAsync(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            aborted.push((signal.reason as { code: string }).code)
            reject(signal.reason as Error)
          })
        }),
      { timeout: 50 },
    )
    const job = await run(stream, { clock })
    const end = errorFrom(() => job.finished())
    await turns(10)
    clock.advance(50)
    expect(await end).toMatchObject({
      code: "TIMEOUT",
      message: "mapAsync-1: event 0: the function took over 50 ms",
    })
    expect(aborted).toEqual(["TIMEOUT"])
    await job.close()
  })

  it("tells the signal when the job is closed", async () => {
    let given: AbortSignal | undefined
    const stream = from([1]).mapAsync((_, { signal }) => {
      given = signal
      return new Promise(() => undefined)
    })
    const job = await run(stream)
    const read = pull(job)
    await turns(10)
    expect(given?.aborted).toBe(false)
    await job.close()
    expect([given?.aborted, await read]).toEqual([true, []])
  })

  it("tries no more when the job is closed while it waits to", async () => {
    let tries = 0
    const stream = from([1]).mapAsync(
      () => {
        tries++
        throw new Error("no")
      },
      { retry: { attempts: 3 } },
    )
    const job = await run(stream, { clock: manualClock() })
    const read = pull(job)
    await turns(10)
    await job.close()
    await turns(10)
    expect([tries, await read]).toEqual([1, []])
  })

  it("leaves out what fails, or says what comes instead", async () => {
    const odd = async (n: number) => {
      await turns(3 - n)
      if (n % 2 === 1) throw new Error("odd")
      return n
    }
    const all = [0, 1, 2, 3]
    expect(await from(all).mapAsync(odd, { onError: "skip" }).toArray()).toEqual([0, 2])
    const instead = { onError: () => ({ emit: -1 }), ordered: false }
    expect(await from(all).mapAsync(odd, instead).toArray()).toEqual([0, -1, 2, -1])
  })
})
