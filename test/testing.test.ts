/** The harness of `millrace/testing`: what a script says happens, and nothing else does. */
import { describe, expect, it } from "vitest"
import { boundedDisorder, collect, countWindow, of, outputTag } from "../js/index.ts"
import type { ErrorEvent, Stream } from "../js/index.ts"
import {
  clock,
  crash,
  end,
  event,
  play,
  playAll,
  playEverywhere,
  watermark,
} from "../js/testing/index.ts"
import { errorFrom } from "./probe.ts"

interface Hit {
  readonly at: number
  readonly n: number
}

const last = (events: Stream<Hit>) => events.keyBy(() => "all").debounce(10)
const counted = (events: Stream<string>) =>
  events
    .keyBy((letter) => letter)
    .map((letter, state) => letter + state.update((n) => n + 1), { state: { value: () => 0 } })

describe("a script", () => {
  it("gives what has come when it stops, and what was open when it ends", async () => {
    const script = [event({ at: 1, n: 1 }), event({ at: 3, n: 2 })]
    expect(await play(last, script)).toEqual([])
    expect(await play(last, [...script, end()])).toEqual([{ at: 3, n: 2 }])
  })

  it("moves event time by its watermarks alone", async () => {
    const script = [event({ at: 1, n: 1 }), event({ at: 500, n: 2 })]
    expect(await play(last, [...script, watermark(509)])).toEqual([{ at: 1, n: 1 }])
    expect(await play(last, [...script, watermark(510)])).toEqual([
      { at: 1, n: 1 },
      { at: 500, n: 2 },
    ])
  })

  it("moves it as a generator says if there is one, and by watermarks as well", async () => {
    const script = [event({ at: 1, n: 1 }), event({ at: 16, n: 2 })]
    const how = { watermark: boundedDisorder(5) }
    expect(await play(last, script, how)).toEqual([{ at: 1, n: 1 }])
    expect(await play(last, [...script, watermark(26)], how)).toHaveLength(2)
  })

  it("moves the clock, and fires timers while nothing comes", async () => {
    const quiet = (events: Stream<string>) => events.debounce("1s")
    const script = [event("a"), clock(999), clock(1000)]
    expect(await play(quiet, script.slice(0, 2))).toEqual([])
    expect(await play(quiet, script)).toEqual(["a"])
  })

  it("lets a job that waits for time at its end have it at once", async () => {
    const slow = (events: Stream<string>) =>
      events.throttle({ limit: 1, per: "30d", overflow: "delay", queueSize: 9 })
    expect(await play(slow, [event("a"), event("b"), event("c"), end()])).toEqual(["a", "b", "c"])
  })

  it("does not wait between the tries of a function", async () => {
    let tries = 0
    const often = (events: Stream<string>) =>
      events.mapAsync(
        (letter) => (++tries % 3 === 0 ? letter : Promise.reject(new Error("not yet"))),
        { retry: { attempts: 2, delay: "1h" } },
      )
    expect(await play(often, [event("a"), clock(5), event("b")])).toEqual(["a", "b"])
    expect(tries).toBe(6)
  })

  it("gives up a try that takes too long by the clock of the host", async () => {
    const slow = (events: Stream<string>) =>
      events.mapAsync(() => new Promise<string>(() => undefined), { timeout: 5 })
    const error = await errorFrom(() => play(slow, [event("a")]))
    expect(error).toMatchObject({ code: "TIMEOUT" })
  })

  it("goes on after crashes as if there had been none", async () => {
    const script = [event("a"), crash(), event("b"), crash(), crash(), event("a"), end(), crash()]
    expect(await play(counted, script)).toEqual(["a1", "b1", "a2"])
    expect(await play(counted, script, { crashAfter: 0, chunkSize: 1 })).toEqual(["a1", "b1", "a2"])
  })

  it("gives the results of several streams, and of side outputs, by name", async () => {
    const bad = outputTag("bad", of<ErrorEvent<string>>())
    const make = (events: Stream<string>) => {
      const parsed = events.map((text) => JSON.parse(text) as number, {
        onError: "route",
        errorsTo: bad,
      })
      return { parsed, unread: parsed.sideOutput(bad).map(({ event }) => event) }
    }
    const script = [event("1"), event("{"), event("2")]
    expect(await playAll(make, script)).toEqual({
      results: { parsed: [1, 2], unread: ["{"] },
      error: undefined,
    })
  })

  it("gives what came before an error, and the error", async () => {
    const strict = (events: Stream<number>) =>
      events.map((n) => {
        if (n > 1) throw new RangeError("too large")
        return n
      })
    const script = [event(1), event(2), event(1)]
    const { results, error } = await playAll(strict, script)
    expect([results, error]).toEqual([{ out: [1] }, { code: "USER_FUNCTION" }].map(partly))
    expect((await errorFrom(() => play(strict, script))).code).toBe("USER_FUNCTION")
  })

  it("tells of a time that cannot be read as from does", async () => {
    const make = (events: Stream<{ when: string }>) => events
    const error = await errorFrom(() => play(make, [event({ when: "soon" })], { time: "when" }))
    expect(error.code).toBe("TIMESTAMP")
  })

  it("shows the job when it is over", async () => {
    let rows = 0
    const look = (job: { state(uid: string): { size: number } }) => (rows = job.state("map-1").size)
    await play(counted, [event("a"), event("b")], { look })
    expect(rows).toBe(2)
  })
})

const partly = (value: object) => expect.objectContaining(value) as unknown

describe("freezing", () => {
  const inPlace = (events: Stream<string>) =>
    events
      .keyBy(() => 0)
      .fold(
        () => [] as string[],
        (all, text) => (all.push(text), all),
      )
  const anew = (events: Stream<string>) =>
    events
      .keyBy(() => 0)
      .fold(
        () => [] as string[],
        (all, text) => [...all, text],
      )
  const script = [event("a"), event("b")]

  it("finds a function that changes its state in place", async () => {
    expect(await play(inPlace, script)).toEqual([["a"], ["a", "b"]])
    const error = await errorFrom(() => play(inPlace, script, { freeze: true }))
    expect([error.code, error.cause]).toEqual(["USER_FUNCTION", expect.any(TypeError) as unknown])
  })

  it("leaves alone who makes its state anew, after a crash too", async () => {
    const freeze = true
    expect(await play(anew, script, { freeze, crashAfter: 0 })).toEqual([["a"], ["a", "b"]])
    const crashed = errorFrom(() =>
      play(inPlace, [...script, event("c")], { freeze, crashAfter: 0 }),
    )
    expect((await crashed).code).toBe("USER_FUNCTION")
  })

  const one = (events: Stream<string>) => events.keyBy(() => 0)
  const joined = (texts: readonly string[]) => texts.join("")
  const collected = (events: Stream<string>) =>
    events
      .map((text) => ({ text }))
      .keyBy(() => 0)
      .aggregate({ all: collect("text") }, { emit: "final" })
      .map(({ all }) => joined(all))
  const ownLists: [string, (events: Stream<string>) => Stream<string>, string[]][] = [
    ["a window", (events) => one(events).window(countWindow(2)).process(joined), ["ab", "cd"]],
    [
      "a group",
      (events) => one(events).group({ maxSize: 2 }, (_, all) => joined(all)),
      ["ab", "cd"],
    ],
    ["a buffer", (events) => one(events).buffer({ count: 2 }).map(joined), ["ab", "cd"]],
    ["deduplicate", (events) => one(events).deduplicate({ ttl: 9, keep: "last" }), ["d"]],
    ["an aggregate", collected, ["abcd"]],
  ]

  it.each(ownLists)("leaves alone what %s keeps for itself", async (_, job, expected) => {
    const script = [..."abcd"].map((text) => event(text))
    const freeze = true
    for (const crashAfter of [undefined, 0]) {
      const how = crashAfter === undefined ? { freeze } : { freeze, crashAfter }
      expect(await play(job, [...script, end()], how)).toEqual(expected)
    }
  })
})

describe("freezing values", () => {
  const large = (events: Stream<string>) =>
    events
      .keyBy(() => 0)
      .fold(
        () => new Array<number>(300_000).fill(0),
        (all) => all.map((n) => n + 1),
      )

  it("takes large ones, and what hangs off one that was frozen", async () => {
    const frozen = Object.freeze({ list: [] as string[] })
    const hidden = (events: Stream<string>) =>
      events
        .keyBy(() => 0)
        .fold(
          () => frozen,
          (all, text) => (all.list.push(text), all),
        )
    const freeze = true
    expect((await play(large, [event("a")], { freeze }))[0]?.[299_999]).toBe(1)
    const error = await errorFrom(() => play(hidden, [event("a"), event("b")], { freeze }))
    expect(error.code).toBe("USER_FUNCTION")
  })
})

describe("state that cannot be saved", () => {
  class Odd {
    n = 1
  }
  const odd = (events: Stream<string>) =>
    events
      .keyBy(() => 0)
      .fold(
        () => new Odd(),
        (all) => all,
      )

  it.each([
    ["at a crash", [event("a"), crash(), event("b")]],
    ["at the end of a script", [event("a")]],
  ])("is told: %s", async (_, script) => {
    const error = await errorFrom(() => play(odd, script))
    expect(error.code).toBe("SERIALIZATION")
  })
})

describe("playing everywhere", () => {
  const script = [event("a"), event("b"), clock(5), event("a"), end()]

  it("gives the outcome that all ways of playing have", async () => {
    const { results } = await playEverywhere(counted, script)
    expect(results).toEqual({ out: ["a1", "b1", "a2"] })
  })

  it("says which way of playing has another outcome", async () => {
    const forgetful = (events: Stream<string>) => {
      let n = 0
      return events.map((letter) => `${letter}${n++}`)
    }
    let made = 0
    const chunky = (events: Stream<string>) => {
      const which = made++
      return events.map((letter) => `${letter}${which}`)
    }
    const error = await errorFrom(() => playEverywhere(chunky, script))
    expect([error.code, error.message]).toEqual([
      "MISMATCH",
      expect.stringContaining("in chunks of 1") as unknown,
    ])
    // A counter beside the state lives on here: a crash drops the job, not the process.
    await playEverywhere(forgetful, script)
  })
})

describe("a script that makes no sense", () => {
  it.each([
    ["a watermark without times", [event("a"), watermark(5)], {}],
    ["steps behind the end", [end(), event("a")], {}],
    ["an option that is not known", [event("a")], { crashAt: 1 }],
    ["a step to crash after that is none", [event("a")], { crashAfter: -1 }],
  ])("is refused: %s", async (_, script, options) => {
    const error = await errorFrom(() => play((events) => events, script as never, options as never))
    expect(error.code).toBe("OPTION")
  })
})
