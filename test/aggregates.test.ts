import { describe, expect, it } from "vitest"
import { count, from, stddev, sum, variance } from "../js/index.ts"
import type { AggregateRow, KeyedStream } from "../js/index.ts"

const values = [2, 4, 4, 4, 5, 5, 7, 9]
const events = values.map((n) => ({ key: "a", n }))

const finalOf = async <A>(rows: Promise<AggregateRow<string, A>[]>) => (await rows)[0]

describe("variance and stddev", () => {
  it("are of a sample, or of the whole population", async () => {
    const row = await finalOf(
      from(events)
        .keyBy("key")
        .aggregate(
          {
            sample: variance("n"),
            whole: variance("n", { population: true }),
            deviation: stddev("n"),
            wholeDeviation: stddev("n", { population: true }),
          },
          { emit: "final" },
        )
        .toArray(),
    )
    expect(row).toEqual({
      key: "a",
      sample: expect.closeTo(32 / 7, 12) as number,
      whole: 4,
      deviation: expect.closeTo(Math.sqrt(32 / 7), 12) as number,
      wholeDeviation: 2,
    })
  })

  it("are undefined of too few values", async () => {
    const spread = (given: readonly { key: string; n: number | null }[]) =>
      from(given)
        .keyBy("key")
        .aggregate({ sample: stddev("n"), whole: stddev("n", { population: true }), of: sum("n") })
        .toArray()
    expect(
      await spread([
        { key: "a", n: null },
        { key: "a", n: 5 },
        { key: "a", n: 5 },
      ]),
    ).toEqual([
      { key: "a", sample: undefined, whole: undefined, of: 0 },
      { key: "a", sample: undefined, whole: 0, of: 5 },
      { key: "a", sample: 0, whole: 0, of: 10 },
    ])
  })

  it("keep their digits far from zero", async () => {
    const far = values.map((n) => ({ key: "a", n: n + 1e9 }))
    const keyed: KeyedStream<string, { key: string; n: number }> = from(far).keyBy("key")
    const row = await finalOf(
      keyed
        .aggregate({ n: count(), whole: variance("n", { population: true }) }, { emit: "final" })
        .toArray(),
    )
    expect(row).toEqual({ key: "a", n: 8, whole: expect.closeTo(4, 6) as number })
  })

  it("refuse options that they do not have", () => {
    expect(() => variance("n", { sample: true } as object)).toThrow("variance")
    expect(() => stddev("n", { population: 1 } as unknown as object)).toThrow("population")
  })
})
