import { describe, expect, it } from "vitest"
import { listState, mapState, of, valueState } from "../js/index.ts"
import type { Stream } from "../js/index.ts"
import { event, play } from "./play.ts"

/** What is counted in place. */
interface Tally {
  n: number
}

/** Functions that change what they got, and never say so. */
const programs = {
  map: (events: Stream<string>) =>
    events
      .keyBy((key) => key)
      .map(
        (_, state) => {
          if (!state.exists()) state.set({ n: 0 })
          return ++state.get().n
        },
        { state: { value: (): Tally => ({ n: 0 }) } },
      ),

  promise: (events: Stream<string>) =>
    events
      .keyBy((key) => key)
      .map(
        async (_, state) => {
          if (!state.exists()) state.set({ n: 0 })
          const tally = state.get()
          await Promise.resolve()
          return ++tally.n
        },
        { state: { value: (): Tally => ({ n: 0 }) } },
      ),

  failing: (events: Stream<string>) =>
    events
      .keyBy((key) => key)
      .map(
        (_, state) => {
          const isNew = !state.exists()
          if (isNew) state.set({ n: 0 })
          const { n } = state.get()
          state.get().n++
          if (!isNew && n % 2 === 0) throw new Error("in the middle")
          return n
        },
        { state: { value: (): Tally => ({ n: 0 }) }, onError: "skip" },
      ),

  session: (events: Stream<string>) =>
    events
      .keyBy((key) => key)
      .session(
        {
          gap: "1h",
          state: { value: (): Tally => ({ n: 0 }) },
        },
        (_, isNew, state) => {
          if (isNew) state.set({ n: 0 })
          return ++state.get().n
        },
      ),

  failingSession: (events: Stream<string>) =>
    events
      .keyBy((key) => key)
      .session(
        { gap: "1h", state: { value: (): Tally => ({ n: 0 }) }, onError: "skip" },
        (_, isNew, state) => {
          if (isNew) state.set({ n: 0 })
          const n = state.get().n++
          if (n % 3 === 1) throw new Error("in the middle")
          return n
        },
      ),

  process: (events: Stream<string>) =>
    events
      .keyBy((key) => key)
      .process({
        emits: of<unknown>(),
        state: {
          value: valueState(of<Tally>()),
          list: listState(of<Tally>()),
          map: mapState(of<string>(), of<Tally>()),
        },
        process(key, { value, list, map }, _, out) {
          if (value.value() === undefined) {
            value.update({ n: 0 })
            list.add({ n: 0 })
            map.put(key, { n: 0 })
            map.put("other", { n: 0 })
          }
          const all = [value.value(), ...list.values(), map.get(key), ...map.values()]
          for (const tally of all) if (tally !== undefined) tally.n++
          out.collect(all.map((tally) => tally?.n))
        },
      }),
}

describe("a value that is changed in place, and not set,", () => {
  const script = ["a", "a", "b", "a", "b", "b", "a", "a"].map(event)

  it.each(Object.keys(programs) as (keyof typeof programs)[])("is saved: %s", async (name) => {
    const program = programs[name] as (events: Stream<string>) => Stream<unknown>
    const whole = await play<string, unknown>(program, script)
    for (const crashEvery of [1, 2, 3]) {
      expect(await play<string, unknown>(program, script, { crashEvery })).toEqual(whole)
    }
  })
})
