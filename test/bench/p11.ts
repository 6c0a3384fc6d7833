/**
 * P11: a million JavaScript events over 100,000 keys, in the operators that are whole in C.
 *
 * Every key string is new, and events have times of their own, a tenth of a millisecond apart: a
 * key sends one about every ten seconds. Building the state and gathering the results counts. The
 * control is a `Map` with as much in it as the same results need; it forgets nothing.
 */
import { from, type KeyedStream, run, type Stream } from "millrace"
import { chunksOf, type Event, freshStrings, heldEvents, uniform } from "./data.ts"
import { type Extent, type Figure, inFreshProcess, interleave, rounded } from "./harness.ts"
import { speedup, type Variant } from "./harness.ts"

interface TimedEvent extends Event {
  time: number
}

type Keyed = KeyedStream<string, TimedEvent>

interface Case {
  name: string
  job: (keyed: Keyed) => Stream<TimedEvent>
  control: (events: TimedEvent[]) => Promise<TimedEvent[]>
}

const keys = 100_000
const ours = "millrace"
const control = "chunked + Map"

const ttlMs = 30_000
const perMs = 60_000
const gapMs = 30_000
const limit = 5

const cases: Case[] = [
  {
    name: "deduplicate",
    job: (keyed) => keyed.deduplicate({ ttl: ttlMs }),
    control: firstPerTtl,
  },
  {
    name: "throttle, sliding",
    job: (keyed) => keyed.throttle({ limit, per: perMs }),
    control: fewPerTime,
  },
  {
    name: "session",
    job: (keyed) => keyed.session({ gap: gapMs }, (event, isNew) => (isNew ? event : undefined)),
    control: firstPerSession,
  },
]

/** Measure P11, as far as its operators exist; a quick run takes fewer events. */
export async function p11({ quick }: Extent): Promise<Figure[]> {
  return cases.map(({ name }) =>
    inFreshProcess<Figure>("alone.ts", { suite: "p11", given: { name, quick } }),
  )
}

/** One operator. */
export async function alone(given: { name: string; quick: boolean }): Promise<Figure> {
  const { name, job, control: plain } = cases.find(({ name }) => name === given.name)!
  const events = given.quick ? 300_000 : 1_000_000
  const numbers = uniform(keys, events)
  const input = () =>
    freshStrings(numbers).map((key, value) => ({ key, value, time: Math.floor(value / 10) }))
  const stream = (events: TimedEvent[]) => job(from(events, { time: "time" }).keyBy("key"))
  const variants: Variant<TimedEvent[]>[] = [
    {
      name: ours,
      run: (events) => stream(events).toArray(),
      check: digestOf,
      async hold(events) {
        const held = await run(stream(events.slice(0, heldEvents)))
        await held.finished()
        return () => held.close()
      },
    },
    { name: control, run: plain, check: digestOf },
  ]
  const timings = await interleave(given.quick ? 2 : 7, input, variants)
  const measured = speedup(timings, { ours, control, events })
  const detail = { [`x ${control}`]: rounded(measured.figure), ...measured.detail }
  const figure = (timings.get(ours)!.cpuMs / events) * 1e6
  const common = { id: "P11", unit: "ns", must: 200, aim: 120, better: "lower", control } as const
  return { ...common, case: given.quick ? `${name}, 300k events` : name, figure, detail }
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

/** `value` is the number of the event. */
function digestOf(passing: TimedEvent[]) {
  const mixed = passing.reduce((mixed, { value }, at) => (mixed + value * (at + 1)) % 1e9, 0)
  return { passing: passing.length, mixed }
}
