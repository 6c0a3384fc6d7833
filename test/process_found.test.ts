/** What was wrong in process functions, as readers found it. */
import { describe, expect, it } from "vitest"
import { from, listState, mapState, of, record, run, valueState } from "../js/index.ts"
import type { Stream } from "../js/index.ts"
import { event, play } from "../js/testing/index.ts"

describe("a call that is refused", () => {
  const text = record({ text: "string" })

  it.each(["remove", "clear"] as const)(
    "leaves all states alone: %s, and put again",
    async (how) => {
      const stream = from([10, 200_000])
        .keyBy(() => "k")
        .process({
          uid: "p",
          onError: "skip",
          state: {
            n: valueState({ default: 0 }),
            texts: mapState(of<string>(), text, { maxBytes: 100_000 }),
          },
          process(size, { n, texts }) {
            n.update(n.value() + 1)
            if (how === "remove") texts.remove("a")
            else texts.clear()
            texts.put("a", { text: "x".repeat(size) })
          },
        })
      const job = await run(stream)
      await job.finished()
      expect(job.stats().operators["p"]?.skipped).toBe(1)
      expect(job.state("p/n").get("k")).toBe(1)
      expect([...job.state("p/texts").scan()]).toEqual([[["k", "a"], { text: "x".repeat(10) }]])
      await job.close()
    },
  )
})

describe("what a process function gives", () => {
  const lists = of<number[]>()
  const grown = [[1], [1, 2], [1, 2, 3]]
  const ofMap = (numbers: Stream<number>) =>
    numbers
      .keyBy(() => 0)
      .process({
        emits: lists,
        state: { m: mapState(of<string>(), lists) },
        process(n, { m }, _, out) {
          const list = m.get("x") ?? []
          list.push(n)
          m.put("x", list)
          out.collect(list)
        },
      })
  const ofList = (numbers: Stream<number>) =>
    numbers
      .keyBy(() => 0)
      .process({
        emits: lists,
        state: { l: listState(lists) },
        process(n, { l }, _, out) {
          const [list = []] = [...l.values()]
          list.push(n)
          l.update([list])
          out.collect(list)
        },
      })
  const beforeUpdate = (numbers: Stream<number>) =>
    numbers
      .keyBy(() => 0)
      .process({
        emits: lists,
        state: { v: valueState({ default: () => [] as number[] }) },
        process(n, { v }, _, out) {
          const list = [...v.value(), n]
          if (n === 2) list.length = 0
          if (n === 2) list.push(1, 2)
          out.collect(list)
          v.update(list)
        },
      })

  it.each([
    ["a map", ofMap],
    ["a list", ofList],
    ["what becomes state later", beforeUpdate],
  ])("is no state that a later event changes: %s", async (_, make) => {
    const script = [event(1), event(2), event(3)]
    for (const chunkSize of [1, 1024])
      expect(await play(make, script, { chunkSize })).toEqual(grown)
  })
})
