/** Looking on as functions use their state. */
import { describe, expect, it } from "vitest"
import { from, record, run } from "../js/index.ts"
import type { StateTrace } from "../js/index.ts"
import { errorFrom, guardRejections, pull } from "./probe.ts"
import { refusal } from "./refusal.ts"

guardRejections()

const hits = [..."aba"].map((k, n) => ({ k, n }))

function branches() {
  const keyed = from(hits).keyBy("k")
  const zero = { value: () => 0 }
  return {
    last: keyed.map(
      ({ n }, state) => {
        if (!state.exists()) state.set(n)
        else state.delete()
      },
      { uid: "last" },
    ),
    later: keyed.map(async ({ n }, state) => state.update((sum) => sum + n), {
      uid: "later",
      state: zero,
    }),
    sums: keyed.fold(record({ n: "f64" }), (row, { n }) => ((row.n += n), row), { uid: "sums" }),
  }
}

/** An access, with its key and value if there are any. */
const said = ({ access, key, value }: StateTrace) =>
  [access, key, value].filter((each) => each !== undefined)

describe("job.trace", () => {
  it("tells each access, and keys and values if they are asked for", async () => {
    const job = await run(branches())
    const traced: StateTrace[] = []
    job.trace((trace) => traced.push(trace), { keys: true, values: true })
    const results = await Promise.all(
      (["last", "later", "sums"] as const).map((name) => pull<unknown>(job.output(name))),
    )
    expect(results.slice(1)).toEqual([
      [0, 1, 2],
      [{ n: 0 }, { n: 1 }, { n: 2 }],
    ])
    const of = (uid: string) => traced.filter(({ operator }) => operator === uid).map(said)
    expect([of("last"), of("later")]).toEqual([
      [
        ["exists", "a", false],
        ["set", "a", 0],
        ["exists", "b", false],
        ["set", "b", 1],
        ["exists", "a", true],
        ["delete", "a"],
      ],
      [
        ["get", "a", 0],
        ["set", "a", 0],
        ["get", "b", 0],
        ["set", "b", 1],
        ["get", "a", 0],
        ["set", "a", 2],
      ],
    ])
    expect(of("sums")).toEqual([
      ["get", "a", { n: 0 }],
      ["set", "a", { n: 0 }],
      ["get", "b", { n: 0 }],
      ["set", "b", { n: 1 }],
      ["get", "a", { n: 0 }],
      ["set", "a", { n: 2 }],
    ])
    await job.close()
  })

  it("tells neither without being asked, and nothing once it is off", async () => {
    const job = await run(branches().last, { chunkSize: 1 })
    const traced: StateTrace[] = []
    job.trace((trace) => traced.push(trace))
    const results = job[Symbol.asyncIterator]()
    await results.next()
    job.trace(undefined)
    await pull({ [Symbol.asyncIterator]: () => results })
    expect(traced).toEqual([
      { operator: "last", access: "exists" },
      { operator: "last", access: "set" },
    ])
    await job.close()
  })

  it("refuses what it does not know, and a job that is closed", async () => {
    const job = await run(branches().last)
    expect(refusal(() => job.trace(() => 0, { key: true } as never))).toEqual({
      code: "OPTION",
      message: 'trace has no option "key"; did you mean "keys"?',
    })
    expect(refusal(() => job.trace("log" as never)).code).toBe("OPTION")
    await job.close()
    expect(await errorFrom(async () => job.trace(() => 0))).toMatchObject({ code: "CLOSED" })
  })
})
