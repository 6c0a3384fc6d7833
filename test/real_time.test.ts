/** Real data whose times are out of order: hits of a web server, and a series that jumps back. */
import { describe, expect, it } from "vitest"
import { boundedDisorder, from, run } from "../js/index.ts"
import type { Duration, StreamOf } from "../js/index.ts"
import { linesOf } from "./data.ts"
import { guardRejections } from "./probe.ts"
import { watched } from "./watched.ts"

guardRejections()

interface Reading {
  readonly at: number
  readonly line: string
}

/** How many are behind the latest time before them, less the bound. */
function behind(events: readonly Reading[], boundMs: number): number {
  let latest = -Infinity
  let count = 0
  for (const { at } of events) {
    if (at < latest - boundMs) count++
    latest = Math.max(latest, at)
  }
  return count
}

/** How many a job finds late. */
async function late(stream: StreamOf<unknown>, chunkSize: number): Promise<number | undefined> {
  const job = await run(watched(stream, "look").stream, { chunkSize })
  await job.finished()
  const { operators } = job.stats()
  await job.close()
  expect(operators["look"]).toMatchObject({ late: { idle: 0 } })
  return operators["look"]?.late?.behind
}

describe("web server hits, out of order by up to 59 s", () => {
  const timeOf = (line: string) => line.slice(line.indexOf("[") + 1, line.indexOf("]"))
  const bounds: [Duration, number][] = [
    ["0ms", 0],
    ["10s", 10_000],
    ["58s", 58_000],
    ["59s", 59_000],
    ["60s", 60_000],
  ]
  const timeFormat = "dd/MMM/yyyy:HH:mm:ss XX"
  const plain = (line: string) => {
    const [, day, month, year, time] = /(\d+)\/(\w+)\/(\d+):([\d:]+)/.exec(timeOf(line)) ?? []
    return { at: Date.parse(`${day} ${month} ${year} ${time} UTC`), line }
  }

  it.for(bounds)("are late as a plain recomputation says: %s", async ([bound, ms], { skip }) => {
    const lines = linesOf("elastic_apache_logs.log", skip)
    const hits = lines.map(plain)
    const options = { time: timeOf, timeFormat, watermark: boundedDisorder(bound) }
    const expected = behind(hits, ms)
    expect(expected > 0).toBe(ms < 59_000)
    for (const chunkSize of [7, 1024]) {
      expect(await late(from(lines, options), chunkSize)).toBe(expected)
    }
  })
})

describe("a machine's temperature, with a jump back", () => {
  const bounds: [Duration, number][] = [
    ["0ms", 0],
    ["54m", 54 * 60_000],
    ["55m", 55 * 60_000],
  ]
  const plain = (line: string) => {
    return { at: Date.parse(`${line.slice(0, 19).replace(" ", "T")}Z`), line }
  }

  it.for(bounds)("is late as a plain recomputation says: %s", async ([bound, ms], { skip }) => {
    const lines = linesOf("nab_machine_temperature_system_failure.csv", skip).slice(1)
    const expected = behind(lines.map(plain), ms)
    expect(expected > 0).toBe(ms < 55 * 60_000)
    const time = (line: string) => line.slice(0, 19)
    const source = from(lines, { time, watermark: boundedDisorder(bound) })
    for (const chunkSize of [7, 1024]) expect(await late(source, chunkSize)).toBe(expected)
  })

  it("comes out of timers whole, and in the same order whatever the chunk", async ({ skip }) => {
    const lines = linesOf("nab_machine_temperature_system_failure.csv", skip).slice(1)
    const readings = from(lines.map(plain), { time: "at" }).buffer({ time: "1h" })
    const whole = await readings.toArray()
    expect(whole.flat().map(({ line }) => line)).toEqual(lines)
    const job = await run(readings, { chunkSize: 7 })
    const parts: Reading[][] = []
    for await (const part of job) parts.push(part)
    expect(parts).toEqual(whole)
    await job.close()
  })
})
