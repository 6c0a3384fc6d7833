/** Stateful windows: of a number of events, of time, and of what belongs together. */
import { argMax, count, countWindow, from, mean, sessions, sliding, sum, tumbling } from "millrace"

interface Reading {
  readonly sensor_id: string
  readonly value: number
  readonly timestamp: number
}

const readings: Reading[] = [
  { sensor_id: "door", value: 20, timestamp: 1000 },
  { sensor_id: "roof", value: 31, timestamp: 2000 },
  { sensor_id: "door", value: 22, timestamp: 3000 },
  { sensor_id: "door", value: 27, timestamp: 6000 },
  { sensor_id: "roof", value: 33, timestamp: 7000 },
  { sensor_id: "door", value: 23, timestamp: 9000 },
  { sensor_id: "door", value: 21, timestamp: 14_000 },
  { sensor_id: "roof", value: 30, timestamp: 16_000 },
]
const bySensor = from(readings, { time: "timestamp" }).keyBy("sensor_id")
const values = (window: readonly Reading[]) => window.map(({ value }) => value).join(" ")

await show(
  "1. Stateful Window: two readings at a time, and how many windows there were before",
  bySensor.window(countWindow(2)).process(
    (window, state, { key }) => {
      const before = state.get()
      state.set(before + 1)
      return `${key}: ${values(window)} (${before} before)`
    },
    { state: { value: () => 0 } },
  ),
)
await show(
  "2. Sliding: the last three readings, at each one",
  bySensor
    .window(countWindow(3, { slide: 1 }))
    .process((window, _, { key }) => `${key}: ${values(window)}`),
)
await show(
  "3. With what is left at the end",
  bySensor
    .window(countWindow(3, { emitPartial: true }))
    .process((window, _, { key }) => `${key}: ${values(window)}`),
)
await show(
  "4. Time: every five seconds",
  bySensor.window(tumbling("5s")).aggregate({ readings: count(), mean: mean("value") }),
)
await show(
  "5. Ten seconds, every five of them: the hottest reading",
  bySensor.window(sliding("10s", "5s")).aggregate({ hottest: argMax("value") }),
)
await show(
  "6. Until a sensor is silent for four seconds",
  bySensor.window(sessions("4s")).aggregate({ total: sum("value") }),
)

async function show(title: string, rows: AsyncIterable<unknown>): Promise<void> {
  console.log(title)
  for await (const row of rows) console.log(`  ${text(row)}`)
}

function text(row: unknown): string {
  return typeof row === "string" ? row : JSON.stringify(row)
}
