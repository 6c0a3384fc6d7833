/**
 * P5: count and sum per key, a row per event, beside the stream libraries of JavaScript.
 *
 * With a thousand keys the control is RxJS `scan` over one `Map`, nearly a plain loop. With
 * 100,000 keys each library groups in its own way, over fewer events; the slow ones, of several
 * microseconds an event, run in one round.
 */
import { count, from, run, type Stream, sum } from "millrace"
import { type Event, eventsOf, freshStrings, heldEvents, uniform } from "./data.ts"
import { type Extent, type Figure, inFreshProcess, interleave } from "./harness.ts"
import { speedup, type Variant } from "./harness.ts"
import * as peers from "./p5_peers.ts"

interface Peer {
  name: string
  run: (events: Event[]) => Promise<peers.Tally>
  keys: number
  must?: number
  once?: true
}

const ours = "millrace"

const few = { keys: 1e3 }
const many = { keys: 1e5 }

const competitors: Peer[] = [
  { name: "RxJS scan", run: peers.rxScan, ...few, must: 0.5 },
  { name: "plain loop", run: peers.plainLoop, ...few },
  { name: "RxJS groupBy", run: peers.rxGroupBy, ...many, must: 50, once: true },
  { name: "IxJS groupBy", run: peers.ixGroupBy, ...many, must: 10, once: true },
  { name: "IxJS groupBy, synchronous", run: peers.ixSyncGroupBy, ...many },
  { name: "Effect groupByKey", run: peers.effectGroupByKey, ...many, must: 10, once: true },
  { name: "Effect mapAccum, one Map", run: peers.effectMapAccum, ...many },
  { name: "streaming-iterables, one Map", run: peers.streamingIterables, ...many, must: 10 },
]

/** Measure P5; a quick run leaves the 100,000 keys out. */
export async function p5({ quick }: Extent): Promise<Figure[]> {
  return [few, many]
    .filter((each) => each === few || !quick)
    .flatMap(({ keys }) =>
      inFreshProcess<Figure[]>("alone.ts", { suite: "p5", given: { keys, quick } }),
    )
}

/** Millrace beside all peers of one size. */
export async function alone({ keys, quick }: { keys: number; quick: boolean }): Promise<Figure[]> {
  const chosen = competitors.filter((peer) => peer.keys === keys)
  const events = keys === few.keys ? 500_000 : 200_000
  const numbers = uniform(keys, events)
  const variants: Variant<Event[]>[] = [
    { name: ours, run: withMillrace, check, hold },
    ...chosen.map((peer) => ({ ...peer, check })),
  ]
  const makeInput = () => eventsOf(freshStrings(numbers))
  const timings = await interleave(quick ? 2 : 5, makeInput, variants)
  const common = { id: "P5", case: `${keys / 1000}k keys, rolling`, unit: "x" } as const
  return chosen.map(({ name: control, must }) => {
    const pair = new Map([ours, control].map((name) => [name, timings.get(name)!]))
    const measured = speedup(pair, { ours, control, events })
    const goal = must === undefined ? {} : { must }
    return { ...common, ...goal, better: "higher", control, ...measured }
  })
}

const check = ({ rows, mixed }: peers.Tally) => ({ rows, mixed })

function sums(events: Event[]): Stream<peers.Row> {
  return from(events)
    .keyBy("key")
    .aggregate({ count: count(), sum: sum("value") })
}

async function hold(events: Event[]) {
  const job = await run(sums(events.slice(0, heldEvents)))
  await job.finished()
  return () => job.close()
}

async function withMillrace(events: Event[]): Promise<peers.Tally> {
  const tally = new peers.Tally()
  for await (const rows of sums(events).chunks()) {
    for (const row of rows) tally.add(row)
  }
  return tally
}
