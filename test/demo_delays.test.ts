/** The worst hours that the flights demo prints, against the rows of the file. */
import { fileURLToPath } from "node:url"
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet"
import { compressors } from "hyparquet-compressors"
import { expect, it } from "vitest"
import { demo } from "./demos.ts"

const events = 30_000
const hourMs = 3_600_000
const path = "../node_modules/vega-datasets/data/flights-3m.parquet"

/** The p95 of the delays of each hour that has twenty flights, by airport and hour. */
async function exact(): Promise<Map<string, Map<number, number>>> {
  const file = await asyncBufferFromFile(fileURLToPath(new URL(path, import.meta.url)))
  const rows = await parquetReadObjects({ file, compressors, rowStart: 0, rowEnd: events })
  const hours = new Map<string, Map<number, number[]>>()
  for (const row of rows) {
    const { origin, date, delay } = row as { origin: string; date: Date; delay: bigint }
    const start = Math.floor(date.getTime() / hourMs) * hourMs
    const ofOrigin = hours.get(origin) ?? new Map<number, number[]>()
    ofOrigin.set(start, [...(ofOrigin.get(start) ?? []), Number(delay)])
    hours.set(origin, ofOrigin)
  }
  const p95Of = (delays: number[]) =>
    delays.sort((a, b) => a - b)[Math.floor(0.95 * (delays.length - 1))] as number
  const worth = ([, delays]: [number, number[]]) => delays.length >= 20
  return new Map(
    [...hours].map(([origin, all]) => [
      origin,
      new Map([...all].filter(worth).map(([start, delays]) => [start, p95Of(delays)])),
    ]),
  )
}

it("are the worst of each airport, within one per cent", async () => {
  const { status, stdout } = await demo("--events", String(events))
  expect(status).toBe(0)
  const hours = await exact()
  const lines = stdout.split("\n").filter((line) => / min │$/.test(line))
  expect(lines).toHaveLength(10)
  for (const line of lines) {
    const [, origin = "", , , , , hour = "", p95 = ""] = line.split("│").map((cell) => cell.trim())
    const ofOrigin = hours.get(origin)
    const own = ofOrigin?.get(Date.parse(`${hour.replace(" ", "T")}Z`)) as number
    const most = Math.max(...(ofOrigin?.values() ?? []))
    const far = Math.abs(Number.parseInt(p95) - own) // It is printed in whole minutes.
    expect([origin, own, far <= 0.01 * own + 0.5]).toEqual([origin, own, true])
    expect([origin, own >= most * 0.98]).toEqual([origin, true])
  }
})
