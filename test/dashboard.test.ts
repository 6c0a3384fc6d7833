/** The job of the dashboard in Node: its totals against plain code, over kills and new rules. */
import { manualClock, memoryStorage } from "millrace"
import type { MemoryStorage } from "millrace"
import { beforeAll, describe, expect, it } from "vitest"
import { arrivalOrder, blockSize } from "../demo/dashboard/arrival.ts"
import { statePaths } from "../demo/dashboard/shown.ts"
import type { TableQuery, View } from "../demo/dashboard/messages.ts"
import { Pace } from "../demo/dashboard/pace.ts"
import { Replay } from "../demo/dashboard/replay.ts"
import { Rules } from "../demo/dashboard/rules.ts"
import type { RuleChange } from "../demo/dashboard/rules.ts"
import { arrivals } from "../demo/dashboard/source.ts"
import type { Arrival } from "../demo/dashboard/source.ts"
import type { FlightFile } from "../demo/flights/rows.ts"
import { openFlightFile } from "../demo/flights/source.ts"
import { plainTotals } from "./dashboard_reference.ts"

const flights = 40_000

let file: FlightFile
beforeAll(async () => {
  file = await openFlightFile()
})

const open = (storage: MemoryStorage, pace = new Pace(Infinity)) =>
  Replay.open({ file, flights, storage, pace })

const viewOf = (replay: Replay) => replay.view({ linesEndMs: NaN })

/** What of a view is the same in every run. */
function figuresOf({ flights, timeMs, airports, top, closed, late, alerts, lines, rule }: View) {
  return { flights, timeMs, airports, top, closed, late, alerts, lines, rule }
}

/** The figures are those of plain code; quantiles within one per cent. */
async function expectPlain(view: View, log: readonly RuleChange[]): Promise<void> {
  const { lines: exact, ...others } = plainTotals(await allArrivals(log))
  const { lines = {}, ...figures } = figuresOf(view)
  expect(figures).toEqual(others)
  expect(Object.keys(lines)).toEqual(Object.keys(exact))
  for (const [hub, { ends, p95 }] of Object.entries(exact)) {
    expect(lines[hub]?.ends).toEqual(ends)
    const near = (value: number, at: number) =>
      Math.abs((lines[hub]?.p95[at] as number) - value) <= 0.01 * Math.abs(value) + 1e-9
    expect(p95.every(near)).toBe(true)
  }
}

/** Everything that arrives where the rule was changed so. */
async function allArrivals(log: readonly RuleChange[]): Promise<Arrival[]> {
  const rules = new Rules(log, async () => undefined)
  const all: Arrival[] = []
  for await (const { events } of arrivals(file, flights, new Pace(Infinity), rules).read()) {
    all.push(...events)
  }
  return all
}

describe("arrival", () => {
  it("has each row of a block once, most of them near their place", () => {
    for (const [first, count] of [
      [0, blockSize],
      [blockSize * 3, 1000],
      [272_727, 1],
    ] as const) {
      const order = [...arrivalOrder(first, count)]
      expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, n) => n))
    }
    const order = [...arrivalOrder(0, blockSize)]
    const behind = order.map((row, turn) => turn - row)
    expect(behind.filter((rows) => rows > 200).length).toBeGreaterThan(blockSize / 400)
    expect(behind.filter((rows) => Math.abs(rows) <= 20).length).toBeGreaterThan(blockSize * 0.95)
  })

  it("gives the same from any position on", async () => {
    const log = [{ at: 9000, minutes: 60 }]
    const rules = new Rules(log, async () => undefined)
    const all = await allArrivals(log)
    const source = arrivals(file, flights, new Pace(Infinity), rules)
    for (const [flights, passed] of [[8191, 0] as const, [9000, 0] as const, [9000, 1] as const]) {
      const rest: Arrival[] = []
      for await (const { events } of source.read({ flights, rules: passed })) rest.push(...events)
      expect(rest).toEqual(all.slice(flights + passed))
    }
  })
})

describe("the dashboard's job", () => {
  it("has the totals of plain code", async () => {
    const replay = await open(memoryStorage())
    await replay.job.finished()
    const view = viewOf(replay)
    await expectPlain(view, [])
    expect([view.late.count > 0, view.alerts.count > 0]).toEqual([true, true])
    await replay.job.close()
  })

  it("has the totals of plain code when it was killed and its rule was changed", async () => {
    const storage = memoryStorage()
    for (const minutes of [90, 240, 120]) {
      const clock = manualClock()
      const pace = new Pace(1_000_000, false, clock)
      const replay = await open(storage, pace)
      const ended = replay.job.finished().catch(() => undefined)
      const before = viewOf(replay).flights
      const until = before + 9000
      while (viewOf(replay).flights < until) await step(clock)
      replay.changeRule(minutes)
      while (viewOf(replay).rule !== minutes) await step(clock)
      await Promise.all([replay.job.checkpoint(), step(clock)])
      while (viewOf(replay).flights < until + 500) await step(clock)
      await replay.job.close() // What came behind the checkpoint is forgotten.
      await ended
    }
    const { log } = await Rules.in(storage)
    expect(log.map(({ minutes }) => minutes)).toEqual([90, 240, 120])

    const replay = await open(storage)
    expect(viewOf(replay).checkpoints.restoredAt).toBeGreaterThan(20_000)
    await replay.job.finished()
    await expectPlain(viewOf(replay), log)
    await replay.job.close()
  })

  it("forgets a change that it was killed before, once there is another", async () => {
    const saved: (readonly RuleChange[])[] = []
    const rules = new Rules([{ at: 500, minutes: 60 }], async (log) => void saved.push(log))
    rules.change(200)
    await rules.settle(100, 0)
    await rules.settle(101, 1)
    expect(saved).toEqual([[{ at: 100, minutes: 200 }]])
  })
})

describe("pace", () => {
  it("gives flights as their time comes, and none while it is paused", async () => {
    const clock = manualClock()
    const pace = new Pace(60, false, clock)
    const replay = await open(memoryStorage(), pace)
    const ended = replay.job.finished().catch(() => undefined)
    const seen = async () => {
      for (let turns = 0; turns < 20; turns++) await new Promise((r) => setImmediate(r))
      return viewOf(replay).flights
    }
    const first = await seen()
    clock.advance(60_000) // An hour of flights.
    const hour = await seen()
    expect(hour - first).toBeGreaterThan(50)
    pace.set(60, true)
    clock.advance(3_600_000)
    expect(await seen()).toBe(hour)
    pace.set(600, false)
    clock.advance(6000)
    const next = await seen()
    expect(next).toBeGreaterThan(hour)
    expect(viewOf(replay).timeMs).toBeLessThanOrEqual(Date.UTC(2001, 0, 1, 2, 5))
    await replay.job.close()
    await ended
  })
})

it("says of a key what is kept and waited for", async () => {
  const clock = manualClock()
  const replay = await open(memoryStorage(), new Pace(60, false, clock))
  const ended = replay.job.finished().catch(() => undefined)
  while (viewOf(replay).flights < 300) await step(clock)
  const [airport, route] = [replay.why("ORD"), replay.why("ORD → LGA")]
  const { flights = 0 } = replay.job.state("airports").get("ORD") as { flights?: number }
  expect(airport[0]?.keeps[0]).toMatch(new RegExp(`^flights ${flights}, mean `))
  const hours = airport.find(({ operator }) => operator === "hours")?.keeps[0]
  expect(hours).toMatch(
    /^1 Jan, (\d\d):00 to .*: flights \d+, .* waits for time until 1 Jan, .*:00$/,
  )
  const days = airport.find(({ operator }) => operator === "days")?.keeps.at(-1)
  expect(days).toMatch(/^and 2\d windows more$/)
  expect(route).toMatchObject([{ operator: "routes", keeps: [expect.stringMatching(/^flights /)] }])
  expect(replay.why("nowhere")).toEqual([])
  await replay.job.close()
  await ended
})

describe("a table of a state", () => {
  const all: TableQuery = { state: "routes", filter: "", sort: undefined, page: 0 }

  it("is filtered, sorted and cut into pages", async () => {
    const replay = await open(memoryStorage())
    await replay.job.finished()
    const { top } = viewOf(replay)
    const sort = { column: "flights", descending: true }
    const page = replay.table({ ...all, sort })
    const inView = top.map(({ route, flights, mean }) => [route, flights, mean])
    expect(page.rows.slice(0, 3)).toEqual(inView.slice(0, 3))
    expect(page.columns).toEqual(["key", "flights", "mean"])

    const found = replay.table({ ...all, filter: " ord → l", sort, page: 1e9 })
    expect(found.page).toBe(found.pages - 1)
    expect(found.rows.every(([key]) => String(key).startsWith("ORD → L"))).toBe(true)
    expect([found.found < found.total, found.total]).toEqual([true, page.total])
    expect(replay.table({ ...all, filter: "nowhere" })).toMatchObject({ rows: [], pages: 1 })
    await replay.job.close()
  })

  it("can be had of each state that there is", async () => {
    const replay = await open(memoryStorage())
    await replay.job.finished()
    expect(() => replay.table({ ...all, state: "none" })).toThrow(statePaths.join(", "))
    for (const state of statePaths) expect(replay.table({ ...all, state }).state).toBe(state)
    await replay.job.close()
  })
})

/** Let time pass, and the job work. */
async function step(clock: ReturnType<typeof manualClock>): Promise<void> {
  clock.advance(40)
  await new Promise((resolve) => setImmediate(resolve))
}
