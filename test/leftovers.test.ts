/** The ends of long and of branching graphs, which are asked for step by step. */
import { expect, it } from "vitest"
import { from } from "../js/index.ts"
import type { Stream } from "../js/index.ts"

it("comes out of a chain of any length", async () => {
  let stream: Stream<number> = from([1])
  for (let i = 0; i < 20_000; i++) stream = stream.map((n) => n + 1)
  expect(await stream.toArray()).toEqual([20_001])
})

it("comes out of branches that meet again and again", async () => {
  let stream: Stream<number> = from([1])
  for (let i = 0; i < 12; i++) stream = stream.filter(() => true).union(stream.filter(() => false))
  expect(await stream.toArray()).toEqual([1])
})
