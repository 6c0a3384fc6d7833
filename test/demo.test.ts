/**
 * The flights demo from outside: whatever the chunk size, and killed wherever, the same object.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet"
import { compressors } from "hyparquet-compressors"
import { from, run } from "millrace"
import type { StreamOf } from "millrace"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { flightReturns, returnReportOf } from "../demo/flights/returns.ts"
import { flightSource } from "../demo/flights/source.ts"
import { demo } from "./demos.ts"

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const events = 30_000

let directory: string
let states = 0
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-demo-"))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** A state directory that nobody has used. */
const newState = () => join(directory, String(++states))

const json = (...flags: string[]) => demo("--json", "--events", String(events), ...flags)

/** The object as the plainest program computes it from the rows of the file. */
async function plain(): Promise<unknown> {
  const file = await asyncBufferFromFile(
    path("../node_modules/vega-datasets/data/flights-3m.parquet"),
  )
  const rows = await parquetReadObjects({ file, compressors, rowStart: 0, rowEnd: events })
  const airports = new Map<string, { flights: number; late: number; delaySum: number }>()
  const routeDays = new Set<string>()
  const hours = new Map<string, { origin: string; start: number; flights: number }>()
  const routes = new Map<string, number>()
  let sessions = 0
  const alerts = new Map<string, number[]>()
  const departures = new Map<string, number[]>()
  let returns = 0
  let [passed, suppressed] = [0, 0]
  for (const row of rows) {
    const { origin, destination, date, delay } = row as Record<string, string | Date | bigint>
    const airport = airports.get(origin as string) ?? { flights: 0, late: 0, delaySum: 0 }
    airport.flights += 1
    airport.late += (delay as bigint) > 15n ? 1 : 0
    airport.delaySum += Number(delay)
    airports.set(origin as string, airport)
    if ((delay as bigint) >= 180n) {
      const at = (date as Date).getTime()
      const times = alerts.get(origin as string) ?? []
      const passes = times.filter((time) => time > at - 3_600_000 && time <= at).length < 3
      if (passes) alerts.set(origin as string, [...times, at])
      if (passes) passed++
      else suppressed++
    }
    const from = origin as string
    const at = (date as Date).getTime()
    const start = Math.floor(at / 3_600_000) * 3_600_000
    const hour = JSON.stringify([from, start])
    const { flights = 0 } = hours.get(hour) ?? {}
    hours.set(hour, { origin: from, start, flights: flights + 1 })
    const route = JSON.stringify([from, destination])
    const before = routes.get(route)
    if (before === undefined || at - before > 6 * 3_600_000) sessions++
    routes.set(route, at)
    const back = departures.get(JSON.stringify([destination, from])) ?? []
    const hoursAfter = (time: number) => (at - time) / 3_600_000
    returns += back.filter((time) => hoursAfter(time) >= 2 && hoursAfter(time) <= 6).length
    departures.set(route, [...(departures.get(route) ?? []), at].slice(-100))
    routeDays.add(JSON.stringify([origin, destination, (date as Date).toISOString().slice(0, 10)]))
  }
  const all = [...airports].map(([origin, totals]) => ({ origin, ...totals }))
  all.sort((a, b) => b.flights - a.flights || (a.origin < b.origin ? -1 : 1))
  const busiest = [...hours.values()].sort(
    (a, b) => b.flights - a.flights || a.start - b.start || (a.origin < b.origin ? -1 : 1),
  )
  return {
    events: rows.length,
    origins: all.length,
    lateFlights: all.reduce((sum, { late }) => sum + late, 0),
    delaySum: all.reduce((sum, { delaySum }) => sum + delaySum, 0),
    routeDays: routeDays.size,
    alerts: passed,
    suppressed,
    windows: hours.size,
    busiest: busiest.slice(0, 3),
    sessions,
    returns,
    top: all.slice(0, 10),
  }
}

describe.each(["1", "100", "1024"])("the flights demo at chunk size %s", (chunkSize) => {
  const flags = ["--chunk-size", chunkSize]

  it("prints one object on stdout, the one that plain JavaScript computes", async () => {
    const { status, stdout, stderr } = await json(...flags)
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" })
    expect(stdout).toMatch(/^\{.*\}\n$/)
    expect(JSON.parse(stdout)).toEqual(await plain())
  })

  it.each(["1", "1023", "1024"])("is killed after %s events and resumes", async (kill) => {
    const state = ["--state", newState()]
    const killed = await json(...flags, ...state, "--checkpoint", "10", "--kill-after", kill)
    expect(killed).toMatchObject({ status: null, signal: "SIGKILL", stdout: "" })

    const resumed = await json(...flags, ...state)
    expect(resumed.status).toBe(0)
    expect(JSON.parse(resumed.stdout)).toEqual(await plain())
  })
})

/** So many that there are checkpoints beside them. */
const many = { 1: 30_000, 1024: 300_000 }

describe.each(Object.entries(many))("the flights demo at chunk size %s", (chunkSize, events) => {
  it("is killed after a checkpoint and goes on from there", async () => {
    const flags = ["--json", "--events", String(events), "--chunk-size", chunkSize]
    const state = ["--state", newState(), "--checkpoint", "10"]
    const undisturbed = await demo(...flags)
    const killed = await demo(...flags, ...state, "--kill-after", String((events * 2) / 3))
    expect(killed).toMatchObject({ status: null, signal: "SIGKILL", stdout: "" })

    const resumed = await demo(...flags, ...state)
    expect(resumed).toMatchObject({ status: 0, stdout: undisturbed.stdout })
    const total = events.toLocaleString("en")
    expect(resumed.stderr).toMatch(new RegExp(`^going on at flight [1-9][\\d,]* of ${total}$`, "m"))
    const again = await demo(...flags, ...state)
    expect(again.stdout).toBe(undisturbed.stdout)
    expect(again.stderr).toContain(`going on at flight ${total} of ${total}`)
  })
})

describe("the flights demo", () => {
  it("prints a table, with figures of speed and size", async () => {
    const { status, stdout } = await demo("--events", "3000")
    expect(status).toBe(0)
    expect(stdout).toContain("█")
    expect(stdout).toMatch(/3,000 flights from \d+ airports/)
    expect(stdout).toMatch(/3,000 events in [\d.]+ s: [\d,]+ a second; [\d,]+ rows of state/)
  })

  it.each([
    [["--jsn"], "--jsn"],
    [["--kill-after", "0"], "--kill-after must be a whole number of at least 1"],
    [["--chunk-size", "many"], "--chunk-size must be a whole number of at least 1"],
    [["more"], "more"],
  ])("refuses %j with exit code 2", async (flags, message) => {
    const { status, stdout, stderr } = await demo(...flags)
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" })
    expect(stderr).toContain(message)
  })

  it("refuses a state that a running demo has", async () => {
    const state = newState()
    const first = demo("--json", "--events", "200000", "--state", state)
    while (!(await isLocked(state)));
    const second = await json("--state", state)
    expect(second.status).toBe(1)
    expect(second.stderr).toMatch(/^LOCKED: .+\n$/)
    expect((await first).status).toBe(0)
  })
})

describe("the flights back", () => {
  it.each([
    ["one source", () => flightReturns(flights())],
    ["two, there first", () => flightReturns(flights(), flights())],
    ["two, back first", (back = flights()) => ({ back, ...flightReturns(flights(), back) })],
  ] satisfies [string, () => Record<string, StreamOf<unknown>>][])(
    "are as many, read from %s",
    async (_, streams) => {
      for (const chunkSize of [100, 1024]) {
        const job = await run(streams(), { chunkSize })
        await job.finished()
        expect(await plain()).toMatchObject({ ...returnReportOf(job) })
        await job.close()
      }
    },
  )
})

function flights() {
  return from(flightSource(events), { time: "date" })
}

async function isLocked(state: string): Promise<boolean> {
  const files = await readdir(state, { recursive: true }).catch(() => [])
  return files.some((file) => file.includes("lock"))
}
