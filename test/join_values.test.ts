/** The values of a join: what C has not taken, or lets go, no slab keeps. */
import { describe, expect, it } from "vitest"
import type { Chunk } from "../js/chunk.ts"
import { Engine } from "../js/engine/engine.ts"
import type { OperatorNode, Ran } from "../js/graph.ts"
import { from, interval, manualClock } from "../js/index.ts"
import { loadModule } from "../js/module.ts"
import { planOf } from "../js/plan.ts"
import { steady } from "../js/time/clock.ts"
import { hits } from "./hits.ts"
import type { Hit } from "./hits.ts"

/** The first half of a join, without a job around it. */
async function opened(state: { maxSize?: number }) {
  const engine = new Engine(await loadModule(), { memoryBytesMax: 1 << 28 })
  const side = from([] as Hit[], { time: "at" }).keyBy("k")
  const joined = side.join(side, interval({ after: 5 }), () => 1, { state })
  const { nodes } = planOf([["out", joined.node]])
  const node = nodes.map(({ node }) => node).find(({ kind }) => kind === "joinBuffers")
  const clock = steady(manualClock())
  const place = {
    uid: "join",
    label: "join",
    engine,
    clock,
    eventTime: true,
    wanted: true,
  } as const
  const runner = (node as OperatorNode).open({ ...place, watermark: -Infinity, position: 0 })
  const run = (values: readonly unknown[], inputs: number | Uint8Array, watermark: number): Ran => {
    const times = Float64Array.from(values, (hit) => (hit as Hit).at)
    const watermarks = new Float64Array(values.length).fill(watermark)
    const arrival = { first: 0, size: values.length, now: 0, times, watermarks, watermark }
    const chunk: Chunk = { values, at: undefined, inputs, arrival }
    const ran = runner.run(chunk) as Ran
    runner.settle?.(chunk)
    return ran
  }
  return { engine, run }
}

describe("the values of a join", () => {
  it("are those of the events that wait, where others were refused or late", async () => {
    const { engine, run } = await opened({ maxSize: 2 })
    try {
      const refused = run(hits("a1 a2 a3 a4"), 0, -Infinity)
      expect(refused.failure).toMatchObject({ index: 2, error: { code: "LIMIT" } })
      expect(engine.refs.size).toBe(2)
      const keyless = run([...hits("a2"), { at: 3 }], 1, 0)
      expect(keyless.failure?.index).toBe(0)
      expect(engine.refs.size).toBe(2)
      expect(run(hits("a4 a5"), 0, 6).failure).toBeUndefined() // Both are late.
      expect(engine.refs.size).toBe(2)
      run([], 0, 7) // The first is over.
      expect(engine.refs.size).toBe(1)
      run([], 0, 8)
      expect([engine.refs.size, engine.memory().external]).toEqual([0, 0])
    } finally {
      engine.close()
    }
  })

  it("are told apart by the input that each is of", async () => {
    const { engine, run } = await opened({})
    try {
      const { chunk } = run(hits("a1 a2 a3 b3"), Uint8Array.of(0, 1, 0, 1), -Infinity)
      expect(chunk.values).toEqual([{ left: { k: "a", at: 1 }, right: { k: "a", at: 2 } }])
      expect([chunk.at, chunk.times]).toEqual([Uint32Array.of(1), Float64Array.of(2)])
    } finally {
      engine.close()
    }
  })
})
