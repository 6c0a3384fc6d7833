/**
 * P11: a million JavaScript events over 100,000 keys, in the operators that are whole in C.
 *
 * Every key string is new, and events have times of their own, a tenth of a millisecond apart: a
 * key sends one about every ten seconds. Building the state and gathering the results counts. The
 * control is a `Map` with as much in it as the same results need; it forgets no key.
 *
 * A join has every other event on its left: each finds about one partner. Events are of three kinds
 * in turn, which a pattern wants in their order.
 */
import { from, interval, pattern, type Stream, where } from "millrace"
import { chunksOf, type Event, freshStrings, heldEvents, uniform } from "./data.ts"
import { type Extent, type Figure, inFreshProcess, interleave, rounded } from "./harness.ts"
import { speedup, type Variant } from "./harness.ts"
import { held } from "./held.ts"

interface TimedEvent extends Event {
  time: number
  kind?: string
}

/** All events in order, and those of either side. */
interface Input {
  all: TimedEvent[]
  sides: [left: TimedEvent[], right: TimedEvent[]]
}

interface Case {
  name: string
  job: (input: Input) => Stream<TimedEvent>
  control: (events: TimedEvent[]) => Promise<TimedEvent[]>
  /** Default: as of those that pass events. */
  goals?: { must: number; aim: number }
  /** Of results that may come in another order. */
  digest?: (results: TimedEvent[]) => unknown
}

const keys = 100_000
const ours = "millrace"
const control = "chunked + Map"

const kinds = ["a", "b", "c"] as const
const ttlMs = 30_000
const perMs = 60_000
const gapMs = 30_000
const limit = 5
const nearMs = 10_000
const withinMs = 30_000

const declared = pattern("a", where("kind", "==", "a"))
  .followedBy("b", where("kind", "==", "b"))
  .followedBy("c", where("kind", "==", "c"))
  .within(withinMs)

const judged = pattern("a", ({ kind }: TimedEvent) => kind === "a")
  .followedBy("b", ({ kind }) => kind === "b")
  .followedBy("c", ({ kind }) => kind === "c")
  .within(withinMs)

const cases: Case[] = [
  {
    name: "deduplicate",
    job: ({ all }) => keyed(all).deduplicate({ ttl: ttlMs }),
    control: firstPerTtl,
  },
  {
    name: "throttle, sliding",
    job: ({ all }) => keyed(all).throttle({ limit, per: perMs }),
    control: fewPerTime,
  },
  {
    name: "session",
    job: ({ all }) =>
      keyed(all).session({ gap: gapMs }, (event, isNew) => (isNew ? event : undefined)),
    control: firstPerSession,
  },
  {
    name: "interval join",
    job({ sides: [left, right] }) {
      return keyed(left).join(keyed(right), interval({ before: nearMs, after: nearMs }), paired)
    },
    control: pairsNear,
    goals: { must: 500, aim: 300 },
    digest: digestOfAnyOrder,
  },
  {
    name: "pattern, three steps",
    job: ({ all }) => keyed(all).pattern(declared, ({ a, b, c }) => matched(a[0]!, b[0]!, c[0]!)),
    control: inThreeSteps,
    goals: { must: 500, aim: 300 },
    digest: digestOfAnyOrder,
  },
  {
    name: "pattern, functions",
    job: ({ all }) => keyed(all).pattern(judged, ({ a, b, c }) => matched(a[0]!, b[0]!, c[0]!)),
    control: inThreeSteps,
    goals: { must: 900, aim: 540 },
    digest: digestOfAnyOrder,
  },
]

const keyed = (events: TimedEvent[]) => from(events, { time: "time" }).keyBy("key")

const paired = (left: TimedEvent, right: TimedEvent): TimedEvent => {
  return { key: left.key, value: left.value * 1e6 + right.value, time: left.time }
}

const matched = (a: TimedEvent, b: TimedEvent, c: TimedEvent): TimedEvent => {
  return { key: a.key, value: (a.value + b.value) * 1e6 + c.value, time: c.time }
}

/** Measure P11, as far as its operators exist; a quick run takes fewer events. */
export async function p11({ quick }: Extent): Promise<Figure[]> {
  return cases.map(({ name }) =>
    inFreshProcess<Figure>("alone.ts", { suite: "p11", given: { name, quick } }),
  )
}

/** One operator. */
export async function alone(given: { name: string; quick: boolean }): Promise<Figure> {
  const { name, job, control: plain, goals, digest } = caseOf(given.name)
  const events = given.quick ? 200_000 : 1_000_000
  const numbers = uniform(keys, events)
  const input = () =>
    inputOf(
      freshStrings(numbers).map((key, value) => {
        return { key, value, time: Math.floor(value / 10), kind: kinds[value % 3]! }
      }),
    )
  const variants: Variant<Input>[] = [
    {
      name: ours,
      run: (input) => job(input).toArray(),
      check: digest,
      hold: ({ all }) => held(job(inputOf(all.slice(0, heldEvents)))),
    },
    { name: control, run: ({ all }) => plain(all), check: digest },
  ]
  const timings = await interleave(given.quick ? 2 : 7, input, variants)
  const measured = speedup(timings, { ours, control, events })
  const detail = { [`x ${control}`]: rounded(measured.figure), ...measured.detail }
  const figure = (timings.get(ours)!.cpuMs / events) * 1e6
  const common = { id: "P11", unit: "ns", ...goals, better: "lower", control } as const
  return { ...common, case: given.quick ? `${name}, 200k events` : name, figure, detail }
}

function caseOf(name: string): Required<Case> {
  const found = cases.find((each) => each.name === name)!
  return { goals: { must: 200, aim: 120 }, digest: digestOf, ...found }
}

function inputOf(all: TimedEvent[]): Input {
  const of = (side: number) => all.filter((_, i) => i % 2 === side)
  return { all, sides: [of(0), of(1)] }
}

async function firstPerTtl(events: TimedEvent[]): Promise<TimedEvent[]> {
  const passedMs = new Map<string, number>()
  const passing: TimedEvent[] = []
  for await (const chunk of chunksOf(events)) {
    for (const event of chunk) {
      const { key, time } = event
      const last = passedMs.get(key)
      if (last !== undefined && time - last < ttlMs) continue
      passedMs.set(key, time)
      passing.push(event)
    }
  }
  return passing
}

/** Start, latest event and number of events of each key's session. */
async function firstPerSession(events: TimedEvent[]): Promise<TimedEvent[]> {
  const open = new Map<string, { start: number; last: number; count: number }>()
  const passing: TimedEvent[] = []
  for await (const chunk of chunksOf(events)) {
    for (const event of chunk) {
      const { key, time } = event
      const session = open.get(key)
      if (session !== undefined && time - session.last <= gapMs) {
        session.last = time
        session.count += 1
        continue
      }
      open.set(key, { start: time, last: time, count: 1 })
      passing.push(event)
    }
  }
  return passing
}

/** Of each key the times of its last passes; there are never more than the limit. */
async function fewPerTime(events: TimedEvent[]): Promise<TimedEvent[]> {
  const passedMs = new Map<string, number[]>()
  const passing: TimedEvent[] = []
  for await (const chunk of chunksOf(events)) {
    for (const event of chunk) {
      const { key, time } = event
      const times = passedMs.get(key)
      if (times === undefined) passedMs.set(key, [time])
      else {
        while (times.length > 0 && times[0]! <= time - perMs) times.shift()
        if (times.length >= limit) continue
        times.push(time)
      }
      passing.push(event)
    }
  }
  return passing
}

/** Each event with those of the other side that came before it; what is too old goes. */
async function pairsNear(events: TimedEvent[]): Promise<TimedEvent[]> {
  const waiting = new Map<string, [left: TimedEvent[], right: TimedEvent[]]>()
  const pairs: TimedEvent[] = []
  for await (const chunk of chunksOf(events)) {
    for (const event of chunk) {
      const side = event.value % 2
      let both = waiting.get(event.key)
      if (both === undefined) waiting.set(event.key, (both = [[], []]))
      const others = both[1 - side]!
      while (others.length > 0 && others[0]!.time < event.time - nearMs) others.shift()
      for (const other of others) {
        pairs.push(side === 0 ? paired(event, other) : paired(other, event))
      }
      both[side]!.push(event)
    }
  }
  return pairs
}

/** Of each key what has begun, and not come to its end. */
async function inThreeSteps(events: TimedEvent[]): Promise<TimedEvent[]> {
  const begun = new Map<string, { a: TimedEvent; b: TimedEvent | undefined }[]>()
  const matches: TimedEvent[] = []
  for await (const chunk of chunksOf(events)) {
    for (const event of chunk) {
      const { key, kind, time } = event
      let open = begun.get(key)
      if (open === undefined) begun.set(key, (open = []))
      while (open.length > 0 && time - open[0]!.a.time >= withinMs) open.shift()
      if (kind === "a") open.push({ a: event, b: undefined })
      if (kind === "b") for (const each of open) each.b ??= event
      if (kind !== "c") continue
      for (const { a, b } of open) if (b !== undefined) matches.push(matched(a, b, event))
      begun.set(
        key,
        open.filter(({ b }) => b === undefined),
      )
    }
  }
  return matches
}

function digestOfAnyOrder(pairs: TimedEvent[]) {
  const mixed = pairs.reduce((mixed, { value }) => (mixed + (value % 999_983)) % 1e9, 0)
  return { pairs: pairs.length, mixed }
}

/** `value` is the number of the event. */
function digestOf(passing: TimedEvent[]) {
  const mixed = passing.reduce((mixed, { value }, at) => (mixed + value * (at + 1)) % 1e9, 0)
  return { passing: passing.length, mixed }
}
