import { describe, expect, it } from "vitest"
import { count, from, memoryStorage, of, record, run, sum } from "../js/index.ts"
import type { StreamOf } from "../js/index.ts"
import { contents, errorFrom, guardRejections, numbered } from "./probe.ts"

guardRejections()

const counted = (events: number) =>
  from(numbered(events, 2))
    .keyBy((n) => `key ${n % 3}`)
    .fold(
      () => 0,
      (n) => n + 1,
    )

describe("a job whose operators changed", () => {
  const keyed = () =>
    from(numbered(9, 2))
      .map((n) => ({ n }))
      .keyBy(({ n }) => n % 3)

  it.each([
    [
      "without a home for saved state",
      () =>
        keyed().fold(
          () => 0,
          (n) => n,
          { uid: "mine" },
        ),
      () =>
        keyed().fold(
          () => 0,
          (n) => n,
          { uid: "other" },
        ),
      "saved state of mine has no operator here; here are other",
    ],
    [
      "of another kind",
      () =>
        keyed().fold(
          () => 0,
          (n) => n,
          { uid: "mine" },
        ),
      () => keyed().deduplicate({ uid: "mine" }),
      "mine: saved state is fold(ref), the operator has deduplicate()",
    ],
    [
      "with a renamed field",
      () => keyed().fold(record({ count: "f64" }), (row) => row),
      () => keyed().fold(record({ total: "f64" }), (row) => row),
      "fold-1: saved state is fold(count:f64), the operator has fold(total:f64); " +
        "a higher state.version, with state.migrate, can carry it forward",
    ],
    [
      "with a renamed aggregate",
      () => keyed().aggregate({ sum: sum("n") }),
      () => keyed().aggregate({ total: sum("n"), count: count() }),
      "aggregate-1: saved state is aggregate(sum:sum(n)), " +
        "the operator has aggregate(total:sum(n), count:count())",
    ],
    [
      "with a source less",
      () => keyed().union(keyed()),
      () => keyed(),
      "the saved position of source-2 has no source here",
    ],
  ])("is STATE_CONFIG: %s", async (_, before, after, message) => {
    const storage = memoryStorage()
    const first = await run(before() as StreamOf<unknown>, { storage })
    await first.finished()
    await first.close()
    const saved = await contents(storage)
    const refused = errorFrom(() => run(after() as StreamOf<unknown>, { storage }))
    expect(await refused).toMatchObject({ code: "STATE_CONFIG", message })
    expect(await contents(storage)).toEqual(saved)
  })

  it.each(["never", 100, 4] as const)("may have another ttl than %s", async (ttl) => {
    const visits = [0, 2, 4, 6, 30].map((at) => ({ key: at % 4, at }))
    const seen = (upto: number, ttl: number | "never") =>
      from(visits.slice(0, upto), { time: "at" })
        .keyBy("key")
        .map(({ at }, state) => [at, state.update(() => true), state.exists()] as const, {
          uid: "seen",
          state: { type: of<boolean>(), ttl },
        })
    const storage = memoryStorage()
    const first = await run(seen(4, ttl), { storage })
    await first.finished()
    await first.close()
    const second = await run(seen(5, 10), { storage })
    expect(second.state("seen").size).toBe(2)
    await second.finished()
    expect(second.state("seen").entries()).toEqual([{ key: 2, value: true }])
    await second.close()
  })

  it("may have new operators, which begin empty", async () => {
    const storage = memoryStorage()
    const first = await run(counted(5), { storage })
    await first.finished()
    await first.close()
    const source = counted(9)
    const second = await run({ a: source, b: source.keyBy((n) => n).deduplicate() }, { storage })
    await second.finished()
    expect(
      second
        .state("deduplicate-1")
        .entries()
        .map(({ key }) => key),
    ).toEqual([2, 3])
    await second.close()
  })
})
