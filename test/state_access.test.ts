/**
 * State in user functions: only inside the call, undone when the call fails, and never shared with
 * what was given out; and state as `job.state` shows it.
 */
import { describe, expect, it } from "vitest"
import { boundedDisorder, from, manualClock, of, record, run } from "../js/index.ts"
import type { JobBase, KeyedStream, Stream, StreamOf } from "../js/index.ts"
import { event, play, playAll } from "./play.ts"
import { refusal } from "./refusal.ts"

interface Hit {
  readonly k: string
  readonly n: number
}

const hits = (...ns: number[]) => ns.map((n) => event<Hit>({ k: "a", n }))
const fields = record({ n: "f64", text: "string", big: "i64" })
const numbers = record({ n: "f64", at: "timestamp" })
const closed = {
  code: "CLOSED",
  message: "state was used after the call that it was given to",
}

describe("state used outside its call", () => {
  it("is refused, and so is the view of a record", async () => {
    const kept: { get(): unknown; set(value: never): void; delete(): void; exists(): boolean }[] =
      []
    const views: { n: number; text: string }[] = []
    await from([1, 2])
      .keyBy((n) => n)
      .map(
        (n, state) => {
          kept.push(state)
          views.push(state.get())
          return n
        },
        { state: { value: fields } },
      )
      .toArray()
    const [state] = kept
    const [view] = views
    expect([
      refusal(() => state?.get()),
      refusal(() => state?.set(0 as never)),
      refusal(() => state?.exists()),
      refusal(() => state?.delete()),
      refusal(() => view?.n),
      refusal(() => view?.text),
      refusal(() => view !== undefined && (view.n = 1)),
    ]).toEqual(Array.from({ length: 7 }, () => closed))
  })

  it("fails the event of the operator that used it", async () => {
    const { error } = await playAll<Hit>(
      (events) => {
        let kept: { get(): unknown } | undefined
        return events
          .keyBy("k")
          .map((hit, state) => {
            kept = state
            return hit
          })
          .map(({ n }) => (n === 2 ? kept?.get() : n))
      },
      hits(0, 1, 2),
    )
    expect(error).toMatchObject({ code: "CLOSED", message: `map-2: event 2: ${closed.message}` })
  })
})

describe("what a function gives out", () => {
  it("is a plain object where it gives the view of a record", async () => {
    const [first, second] = await play<Hit, object>(
      (events) =>
        events.keyBy("k").map(
          ({ n }, state) => {
            const row = state.get()
            row.n += n
            row.text += "é"
            return row
          },
          { state: { value: fields } },
        ),
      hits(1, 2),
    )
    expect(first).toStrictEqual({ n: 1, text: "é", big: 0n })
    expect(second).toStrictEqual({ n: 3, text: "éé", big: 0n })
  })

  it("may be a spread or a part of a record", async () => {
    const rows = await play<Hit, { n: number }>(
      (events) => events.keyBy("k").fold(fields, (row, { n }) => ({ ...row, n: row.n + n })),
      hits(1, 2),
    )
    expect(rows).toStrictEqual([
      { n: 1, text: "", big: 0n },
      { n: 3, text: "", big: 0n },
    ])
  })
})

describe("a record of numbers", () => {
  it("is as at first where one call deletes and writes it again", async () => {
    const states = await from([1, 2, 3])
      .keyBy(() => "a")
      .map(
        (n, state) => {
          state.get().n += n
          state.get().at += 10
          if (n === 2) {
            state.delete()
            state.get().n += 100
          }
          return state.get()
        },
        { state: { value: numbers } },
      )
      .toArray()
    expect(states).toEqual([
      { n: 1, at: 10 },
      { n: 100, at: 0 },
      { n: 103, at: 10 },
    ])
  })

  it("refuses a time that is none at once, and keeps what it had", async () => {
    const states = await from([1])
      .keyBy(() => "a")
      .map(
        (n, state) => {
          const row = state.get()
          row.at = 5
          const refused = [0.5, Infinity, 9e15].map((at) => refusal(() => (row.at = at)).code)
          return { refused, at: row.at, n }
        },
        { state: { value: numbers } },
      )
      .toArray()
    expect(states).toEqual([
      { refused: Array.from({ length: 3 }, () => "SERIALIZATION"), at: 5, n: 1 },
    ])
  })
})

/** Play hits of which the last but one fails, and one fewer of which none does. */
async function undone(make: (keyed: KeyedStream<string, Hit>) => StreamOf<unknown>) {
  const figures: unknown[] = []
  const look = (job: JobBase) => {
    const { rows, bytes } = job.stats().operators["op"] ?? {}
    const { external } = job.stats().memory
    figures.push({ rows, bytes, external, state: [...job.state("op").scan()] })
  }
  for (const script of [hits(1, 2, -1, 3), hits(1, 2)]) {
    await playAll<Hit>((events) => make(events.keyBy("k")), script, { look })
  }
  return figures
}

function failAt(n: number): void {
  if (n < 0) throw new Error("as the event says")
}

describe("a call that throws", () => {
  const calls: Record<string, (keyed: KeyedStream<string, Hit>) => StreamOf<unknown>> = {
    "writes of a record, its text, and text written twice": (keyed) =>
      keyed.fold(
        fields,
        (row, { n }) => {
          row.n += n
          row.text = `first ${n}`
          row.text = `second ${n}`.repeat(n < 0 ? 40 : 1)
          row.big += 7n
          failAt(n)
          return row
        },
        { uid: "op" },
      ),
    "the deletion of a record that is written again": (keyed) =>
      keyed.map(
        ({ n }, state) => {
          if (n < 0) state.delete()
          state.get().text += "long enough to need memory of its own"
          failAt(n)
        },
        { uid: "op", state: { value: fields } },
      ),
    "writes of a record of numbers": (keyed) =>
      keyed.fold(
        numbers,
        (row, { n }) => {
          row.n += n
          row.at += 10
          failAt(n)
          return row
        },
        { uid: "op" },
      ),
    "the deletion of a record of numbers that is written again": (keyed) =>
      keyed.map(
        ({ n }, state) => {
          state.get().at = 7
          if (n < 0) state.delete()
          state.get().n += n
          failAt(n)
        },
        { uid: "op", state: { value: numbers } },
      ),
    "a value that was replaced": (keyed) =>
      keyed.map(
        ({ n }, state) => {
          state.set({ n })
          failAt(n)
        },
        { uid: "op", state: { type: of<{ n: number }>() } },
      ),
    "a value that was deleted": (keyed) =>
      keyed.map(
        ({ n }, state) => {
          if (n > 0) state.set([n])
          else state.delete()
          failAt(n)
        },
        { uid: "op", state: { type: of<number[]>() } },
      ),
    "the state of a key that had none": (keyed) =>
      (keyed as Stream<Hit>)
        .keyBy(({ n }) => n)
        .map(
          ({ n }, state) => {
            state.get().text = "x".repeat(99)
            failAt(n)
          },
          { uid: "op", state: { value: fields } },
        ),
  }

  it.each(Object.keys(calls))("undoes %s", async (name) => {
    const [failed, fine] = await undone(calls[name] as (typeof calls)[string])
    expect(failed).toEqual(fine)
  })
})

describe("chunks of more events than an operator takes at once", () => {
  const events = Array.from({ length: 9000 }, (_, i) => ({ k: `k${i % 4100}`, at: i }))
  const timed = { time: "at" as const }

  it.each([65_536, 1000])("expire nothing before its time, chunks of %i", async (chunkSize) => {
    const make = (keyed: KeyedStream<string, { k: string; at: number }>) => ({
      ones: keyed.fold(
        () => 0,
        (n) => n + 1,
        { state: { ttl: 4200 } },
      ),
      passed: keyed.deduplicate({ ttl: 4200 }),
    })
    const script = events.map((each) => event(each))
    const { results } = await playAll(
      (all: Stream<(typeof events)[0]>) => make(all.keyBy("k")),
      script,
      {
        chunkSize,
        from: timed,
      },
    )
    expect([results["passed"]?.length, results["ones"]?.at(-1), results["ones"]?.at(4100)]).toEqual(
      [4900, 3, 2],
    )
  })
})

describe("a look at state between events", () => {
  it("takes nothing away from an event that may still come", async () => {
    const clock = manualClock()
    const all = [100, 130, 105].map((at) => ({ k: at === 130 ? "b" : "a", at }))
    const stream = from(all, { time: "at", watermark: boundedDisorder(50) })
    const job = await run(
      stream.keyBy("k").fold(
        () => 0,
        (n) => n + 1,
        { uid: "n", state: { ttl: 10 } },
      ),
      { chunkSize: 1, clock },
    )
    const results: number[] = []
    const looks: unknown[] = []
    for await (const result of job) {
      results.push(result)
      looks.push([job.state("n").get("a"), [...job.state("n").scan()].length])
    }
    await job.close()
    expect([results, looks]).toEqual([
      [1, 1, 2],
      [
        [1, 1],
        [1, 2],
        [2, 2],
      ],
    ])
  })
})
