/** Operators that hold events back, whatever the chunk size: what lets go, and when. */
import { describe, expect, it } from "vitest"
import { from, run } from "../js/index.ts"
import type { Stream } from "../js/index.ts"
import { hits, shown } from "./hits.ts"
import type { Hit } from "./hits.ts"
import { guardRejections } from "./probe.ts"

guardRejections()

const text = (result: Hit | readonly Hit[]): string =>
  Array.isArray(result) ? result.map(shown).join(" ") : shown(result as Hit)
const keyOf = ({ k }: Hit) => {
  if (k === "x") throw new Error("no key")
  return k
}

/** Results, and the error if there is one, which must not depend on the chunk size. */
async function resultsOf(stream: Stream<Hit> | Stream<Hit[]>) {
  const all: string[][] = []
  for (const chunkSize of [1, 2, 3, 1024]) {
    const job = await run<Hit | Hit[]>(stream, { chunkSize })
    const results: string[] = []
    try {
      for await (const result of job) results.push(text(result))
    } catch (error) {
      results.push((error as Error).message)
    }
    await job.close()
    all.push(results)
  }
  for (const results of all) expect(results).toEqual(all[0])
  return all[0] ?? []
}

describe("what is held goes", () => {
  it("before an event that cannot be taken, if the watermark was there", async () => {
    const events = from(hits("a0 b20 x50 c60"), { time: "at" }).keyBy(keyOf)
    expect(await resultsOf(events.debounce(10))).toEqual([
      "a0",
      "debounce-1: event 2: the function threw Error",
    ])
    const onError = () => ({ emit: { k: "x", at: 0 } })
    expect(await resultsOf(events.debounce(10, { onError }))).toEqual(["a0", "x0", "b20", "c60"])
  })

  it("behind the event that set a timer which is overdue", async () => {
    const events = from(hits("a100 b5 c20 a101 b7 d200"), { time: "at" }).keyBy("k")
    const lists = events
      .debounce(10)
      .keyBy(() => "all")
      .buffer({ time: 5 })
    expect(await resultsOf(lists)).toEqual(["b5", "c20", "b7", "a101", "d200"])
  })

  it("before an event whose time cannot be read", async () => {
    const events = from(hits("a0 b20 c? d30 e40 f50 g60 h70"), { time: "at" }).keyBy("k")
    const [first, error] = await resultsOf(events.debounce(10))
    expect([first, error]).toEqual(["a0", expect.stringContaining("source-1: event 2: ")])
  })
})
