/**
 * Process functions whose events say what they do: the same code runs in a job and in plain code.
 */
import { aggregatingState, listState, mapState, of, record } from "../js/index.ts"
import { reducingState, valueState } from "../js/index.ts"
import type { AggregatingState, Context, ListState, MapState, Out } from "../js/index.ts"
import type { KeyValue, ReducingState, Stream, StreamOf, ValueState } from "../js/index.ts"
import type { Limits } from "./reference.ts"

/** One thing that an event does. */
export type Act =
  | { readonly do: "value" | "record" | "list" | "reduce" | "aggregate"; readonly n: number }
  | { readonly do: "put"; readonly k: KeyValue; readonly n: number }
  | { readonly do: "remove" | "get"; readonly k: KeyValue }
  | { readonly do: "replace"; readonly list: readonly number[] }
  | { readonly do: "clear"; readonly state: "value" | "record" | "list" | "map" | "total" | "mean" }
  | { readonly do: "read" }
  | { readonly do: "set"; readonly domain: Domain; readonly in: number; readonly name?: string }
  | { readonly do: "unset"; readonly domain: Domain; readonly in: number; readonly name?: string }

export type Domain = "event" | "processing"

export interface Deed {
  readonly i: number
  readonly key: KeyValue
  readonly at: number
  readonly acts: readonly Act[]
  readonly fails: boolean
}

interface Pair {
  readonly n: number
  readonly s: string
}

/** State as functions see it, in a job or in plain code. */
export interface Faces {
  readonly value: ValueState<number, number>
  readonly record: ValueState<Pair, Pair>
  readonly list: ListState<number>
  readonly map: MapState<KeyValue, number>
  readonly total: ReducingState<number>
  readonly mean: AggregatingState<number, number>
}

type Ctx = Pick<Context<KeyValue>, "key" | "now" | "watermark" | "timestamp" | "timers">

export const join = (a: number, b: number): number => a * 2 + b

export const steps = {
  create: () => ({ sum: 0, count: 0 }),
  add: ({ sum, count }: { sum: number; count: number }, n: number) => {
    return { sum: sum + n, count: count + 1 }
  },
  result: ({ sum, count }: { sum: number; count: number }) => sum * 100 + count,
}

export function look(s: Faces): unknown[] {
  const { n, s: text } = s.record.value()
  const list = [...s.list.values()]
  return [s.value.value(), n, text, list, [...s.map.entries()], s.total.get(), s.mean.get()]
}

function act(deed: Act, s: Faces, ctx: Ctx, out: Out<unknown>): void {
  switch (deed.do) {
    case "value":
      return s.value.update(s.value.value() + deed.n)
    case "record":
      return s.record.update({ n: s.record.value().n + deed.n, s: "x".repeat(deed.n % 40) })
    case "list":
      return s.list.add(deed.n)
    case "replace":
      return s.list.update(deed.list)
    case "reduce":
      return s.total.add(deed.n)
    case "aggregate":
      return s.mean.add(deed.n)
    case "put":
      return s.map.put(deed.k, deed.n)
    case "remove":
      return s.map.remove(deed.k)
    case "get":
      return out.collect([s.map.get(deed.k), s.map.has(deed.k), s.map.isEmpty()])
    case "clear":
      return s[deed.state].clear()
    case "read":
      return out.collect(look(s))
    default:
      return timer(deed, ctx)
  }
}

function timer(
  deed: Extract<Act, { readonly domain: Domain }>,
  { now, timestamp, timers }: Ctx,
): void {
  const time = (deed.domain === "event" ? timestamp : now) + deed.in
  if (deed.do === "unset") timers.delete(deed.domain, deed.name ?? time)
  else if (deed.domain === "event") timers.eventTime(time, deed.name)
  else timers.processingTime(time, deed.name)
}

export class Failed extends Error {}

export function process(deed: Deed, s: Faces, ctx: Ctx, out: Out<unknown>): void {
  for (const each of deed.acts) act(each, s, ctx, out)
  out.collect([deed.i, ctx.key, ctx.now, ctx.watermark, ctx.timestamp])
  if (deed.fails) throw new Failed()
}

export type OnTimer<S = Faces> = (time: number, s: S, ctx: Ctx, out: Out<unknown>) => void

/** A timer shows all that there is, and now and then sets another one, or fails. */
export function onTimerOf(domains: readonly Domain[]): OnTimer {
  return (time, s, ctx, out) => {
    out.collect(["timer", time, ctx.key, ctx.now, ctx.watermark, ctx.timestamp, look(s)])
    s.list.add(-time)
    s.value.update(s.value.value() + 1000)
    if (ctx.watermark === Infinity) return
    const set = time % 10
    if (set === 1 && ctx.watermark !== -Infinity) ctx.timers.eventTime(time + 7, "again")
    if (set === 3) s.map.put(time, time)
    if (set === 5) throw new Failed()
    if (!domains.includes("processing")) return
    if (set === 2) ctx.timers.processingTime(ctx.now + 5, "again")
    if (set === 4) ctx.timers.processingTime(ctx.now - 3)
  }
}

/** A state of each kind. */
export function stateOf(limits: Limits) {
  return {
    value: valueState({ default: 0, ...limits }),
    record: valueState({ default: record({ n: "f64", s: "string" }), ...limits }),
    list: listState(of<number>(), limits),
    map: mapState(of<KeyValue>(), of<number>(), limits),
    total: reducingState(join, limits),
    mean: aggregatingState(steps, limits),
  }
}

/** The stream of it; what fails is left out. */
export function played(
  events: Stream<Deed>,
  limits: Limits,
  onTimer = onTimerOf(["event", "processing"]),
): StreamOf<unknown> {
  return events.keyBy("key").process({
    uid: "op",
    state: stateOf(limits),
    emits: of<unknown>(),
    onError: "skip",
    process,
    onTimer,
  })
}

// ---- events that are broadcast ----

type Rules = MapState<KeyValue, number>

/** With the rules; a job lets the functions for events of keys only look at them. */
export interface RuledFaces extends Faces {
  readonly rules: Rules
}

/** What is done with an event of one side. */
export type Run = (deed: Deed, s: RuledFaces, ctx: Ctx, out: Out<unknown>) => void

type Looked = Faces & { readonly rules: Pick<Rules, "entries" | "keys" | "has" | "isEmpty"> }

export function processRuled(deed: Deed, s: Looked, ctx: Ctx, out: Out<unknown>): void {
  out.collect(["rules", ...s.rules.entries()])
  process(deed, s, ctx, out)
  out.collect([s.rules.isEmpty(), s.rules.has("x")])
}

export function onRuledTimerOf(domains: readonly Domain[]): OnTimer<Looked> {
  const onTimer = onTimerOf(domains)
  return (time, s, ctx, out) => {
    out.collect(["rules", ...s.rules.keys()])
    onTimer(time, s, ctx, out)
  }
}

/** Of what an event may do, what can be done to rules. */
export function changeRules(
  deed: Deed,
  { rules }: { readonly rules: Rules },
  { now, watermark, timestamp }: Pick<Ctx, "now" | "watermark" | "timestamp">,
  out: Out<unknown>,
): void {
  for (const each of deed.acts) {
    if (each.do === "put") rules.put(each.k, each.n)
    if (each.do === "remove") rules.remove(each.k)
    if (each.do === "get") out.collect([rules.get(each.k), rules.has(each.k)])
    if (each.do === "clear") rules.clear()
  }
  out.collect([deed.i, now, watermark, timestamp, ...rules.values()])
  if (deed.fails) throw new Failed()
}
