/**
 * Windows of real data whose times are out of order, against plain code that goes over all lines
 * once and knows what a watermark is.
 */
import { describe, expect, it } from "vitest"
import {
  boundedDisorder,
  count,
  from,
  max,
  mean,
  of,
  outputTag,
  run,
  tumbling,
} from "../js/index.ts"
import { linesOf } from "./data.ts"
import { guardRejections } from "./probe.ts"

guardRejections()

interface Reading {
  readonly at: number
  readonly key: string
  readonly value: number
}

interface Row {
  readonly key: string
  readonly start: number
  readonly n: number
  readonly mean: number | undefined
  readonly most: number | undefined
}

const closed = outputTag("closed", of<Reading>())

/** Rows by start and key: order is for other tests. */
const sorted = (rows: readonly Row[]) =>
  [...rows].sort((a, b) => a.start - b.start || (a.key < b.key ? -1 : 1))

/** What the job makes of readings, and which of them came when their window was closed. */
async function windows(
  readings: readonly Reading[],
  size: number,
  bound: number,
  chunkSize: number,
) {
  const rows = from(readings, { time: "at", watermark: boundedDisorder(bound) })
    .keyBy("key")
    .window(tumbling(size), { lateTo: closed })
    .aggregate({ n: count(), mean: mean("value"), most: max("value") }, { uid: "windows" })
  const job = await run({ rows }, { chunkSize })
  const [given, late]: [Row[], Reading[]] = [[], []]
  await Promise.all([
    (async () => {
      for await (const { key, start, n, mean, most } of job.output("rows")) {
        given.push({ key, start, n, mean, most })
      }
    })(),
    (async () => {
      for await (const reading of job.output(closed)) late.push(reading)
    })(),
  ])
  const counted = job.stats().operators["windows"]?.late
  await job.close()
  return { rows: sorted(given), late, counted }
}

/** The same by plain code. */
function plain(readings: readonly Reading[], size: number, bound: number) {
  const found = new Map<string, { key: string; start: number; values: number[] }>()
  const late: Reading[] = []
  let latest = -Infinity
  for (const reading of readings) {
    const { at, key, value } = reading
    const start = Math.floor(at / size) * size
    if (start + size <= latest - bound) late.push(reading)
    else {
      const name = JSON.stringify([key, start])
      const window = found.get(name) ?? { key, start, values: [] }
      window.values.push(value)
      found.set(name, window)
    }
    latest = Math.max(latest, at)
  }
  const rows = [...found.values()].map(({ key, start, values }): Row => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    return { key, start, n: values.length, mean, most: Math.max(...values) }
  })
  return { rows: sorted(rows), late, counted: { behind: late.length, idle: 0 } }
}

/** Means are of compensated sums here, and of plain ones there. */
const near = (rows: readonly Row[]) =>
  rows.map((row) => ({ ...row, mean: expect.closeTo(row.mean ?? NaN, 6) as unknown }))

describe("web server hits by client and minute", () => {
  const size = 60_000
  const hit = (line: string): Reading => {
    const [, key = "", day, month, year, time, bytes = "0"] =
      /^(\S+) .*?\[(\d+)\/(\w+)\/(\d+):([\d:]+) [^\]]*\] ".*?" \d+ (\d+|-)/.exec(line) ?? []
    const at = Date.parse(`${day} ${month} ${year} ${time} UTC`)
    return { at, key, value: Number(bytes === "-" ? 0 : bytes) }
  }
  const bounds: [name: string, ms: number][] = [
    ["not at all", 0],
    ["10 s", 10_000],
    ["58 s", 58_000],
    ["59 s", 59_000],
    ["60 s", 60_000],
    ["an hour", 3_600_000],
  ]

  it.for(bounds)(
    "are what plain code finds, if they may be late by %s",
    async ([, ms], { skip }) => {
      const hits = linesOf("elastic_apache_logs.log", skip).map(hit)
      const expected = plain(hits, size, ms)
      for (const chunkSize of [7, 1024]) {
        const { rows, late, counted } = await windows(hits, size, ms, chunkSize)
        expect({ late, counted }).toEqual({ late: expected.late, counted: expected.counted })
        expect(rows).toEqual(near(expected.rows))
        const total = rows.reduce((sum, { n }) => sum + n, 0)
        expect(total + late.length).toBe(hits.length)
      }
    },
  )

  it("are the same for every bound that they keep", async ({ skip }) => {
    const hits = linesOf("elastic_apache_logs.log", skip).map(hit)
    const enough = await windows(hits, size, 59_000, 1024)
    expect(enough.late).toEqual([])
    for (const ms of [60_000, 3_600_000]) {
      expect(await windows(hits, size, ms, 1024)).toEqual(enough)
    }
  })
})

describe("a machine's temperature by hour, with a jump back", () => {
  const reading = (line: string): Reading => {
    const [time = "", value] = line.split(",")
    return { at: Date.parse(`${time.replace(" ", "T")}Z`), key: "machine", value: Number(value) }
  }

  it.for([0, 54 * 60_000, 55 * 60_000])("is what plain code finds: %i ms", async (ms, { skip }) => {
    const lines = linesOf("nab_machine_temperature_system_failure.csv", skip).slice(1)
    const readings = lines.map(reading)
    const expected = plain(readings, 3_600_000, ms)
    for (const chunkSize of [7, 1024]) {
      const { rows, late, counted } = await windows(readings, 3_600_000, ms, chunkSize)
      expect({ late, counted }).toEqual({ late: expected.late, counted: expected.counted })
      expect(rows).toEqual(near(expected.rows))
    }
  })
})
