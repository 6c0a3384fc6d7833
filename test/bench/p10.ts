/**
 * P10: how the cost of an event grows with the number of keys, from a thousand to ten million.
 *
 *     job 1k    fill |  block 1   |            |            |  block 2  ...
 *     job 10k   fill |            |  block 1   |            |
 *     job 10M   fill |            |            |  block 1   |
 *
 * All jobs are open at once, each with its state full, and blocks of new events over uniform keys
 * go to them in turn: a block is timed from handing it out to being asked for the next. Blocks are
 * made outside the timer, and moved to the old generation there: else one size in the turn, always
 * the same, pays for that. Every key string is new. A state of ten million keys is 0.6 GB of linear
 * memory: `run` is told so.
 */
import { count, from, type JobBase, run, sum } from "millrace"
import { type Event, eventsOf, freshStrings, random } from "./data.ts"
import { collected, cpuMsSince, type Extent, type Figure, inFreshProcess } from "./harness.ts"
import { median, rounded } from "./harness.ts"

const blockEvents = 131_072
const memory = { maxBytes: 2 ** 31 }

interface Row {
  count: number
  sum: number
}

interface Asked {
  sizes: number[]
  blocks: number
}

/** Measure P10; a quick run ends at a million keys. */
export async function p10({ quick }: Extent): Promise<Figure[]> {
  const sizes = [1e3, 1e4, 1e5, 1e6, 1e7]
  const given = quick ? { sizes: [1e3, 1e6], blocks: 5 } : { sizes, blocks: 15 }
  return inFreshProcess<Figure[]>("alone.ts", { suite: "p10", given })
}

/** All sizes, in one process. */
export async function alone({ sizes, blocks }: Asked): Promise<Figure[]> {
  const fed: Fed[] = []
  for (const keys of sizes) fed.push(await fill(keys))
  const times = new Map(fed.map((each) => [each, [] as number[]]))
  for (let block = -2; block < blocks; block++) {
    for (const each of fed) {
      const events = uniformBlock(each.keys, block)
      await collected()
      const ns = await each.feed(events)
      if (block >= 0) times.get(each)!.push(ns)
    }
  }
  const perEvent = fed.map((each) => ({ keys: each.keys, ns: median(times.get(each)!) }))
  for (const each of fed) await each.close()
  return [growth(perEvent, fed)]
}

function growth(perEvent: { keys: number; ns: number }[], fed: Fed[]): Figure {
  const [least, most] = [perEvent[0]!, perEvent.at(-1)!]
  const detail = {
    ...Object.fromEntries(perEvent.map(({ keys, ns }) => [`ns at ${nameOf(keys)}`, rounded(ns)])),
    "ns while it fills": rounded(fed.at(-1)!.fillNs),
  }
  const common = { id: "P10", unit: "x", must: 4, better: "lower", control: "" } as const
  const name = `ns/event, from ${nameOf(least.keys)} to ${nameOf(most.keys)} keys`
  return { ...common, case: name, figure: most.ns / least.ns, detail }
}

const nameOf = (keys: number) => (keys >= 1e6 ? `${keys / 1e6}M` : `${keys / 1e3}k`)

/** A job that is fed by hand. */
interface Fed {
  keys: number
  fillNs: number
  /** CPU nanoseconds per event of the block. */
  feed(block: Event[]): Promise<number>
  /** Check the totals, and close. */
  close(): Promise<void>
}

async function fill(keys: number): Promise<Fed> {
  let hand: (block: Event[]) => void
  let asked: () => void
  const source = {
    async *read() {
      for (;;) {
        const block = new Promise<Event[]>((resolve) => (hand = resolve))
        asked()
        yield { events: await block, position: 0 }
      }
    },
  }
  const stream = from(source)
    .keyBy("key")
    .aggregate({ count: count(), sum: sum("value") }, { uid: "totals", emit: "final" })
  const expected = { count: 0, sum: 0 }
  const feed = async (block: Event[]) => {
    expected.count += block.length
    for (const { value } of block) expected.sum += value
    const cpuBefore = process.cpuUsage()
    const next = new Promise<void>((resolve) => (asked = resolve))
    hand(block)
    await next
    return (cpuMsSince(cpuBefore) / block.length) * 1e6
  }
  const ready = new Promise<void>((resolve) => (asked = resolve))
  const job = await run(stream, { memory })
  const ended = job.finished().catch(() => undefined) // It is closed before its end.
  await ready
  const fillNs: number[] = []
  for (let from = 0; from < keys; from += blockEvents) {
    const length = Math.min(blockEvents, keys - from)
    fillNs.push(
      await feed(eventsOf(freshStrings(Uint32Array.from({ length }, (_, i) => from + i)))),
    )
  }
  const close = async () => {
    checkTotals(job, keys, expected)
    await job.close()
    await ended
  }
  return { keys, fillNs: median(fillNs), feed, close }
}

function uniformBlock(keys: number, seed: number): Event[] {
  const next = random(seed + 1000)
  const length = blockEvents
  return eventsOf(freshStrings(Uint32Array.from({ length }, () => Math.floor(next() * keys))))
}

/** Is every key there, and every event in some key? Of ten million keys only the number is seen. */
function checkTotals(job: JobBase, keys: number, { count, sum }: Row): void {
  const { rows, in: taken } = job.stats().operators["totals"]!
  const all = { count: 0, sum: 0 }
  if (keys <= 1e6) {
    for (const [, row] of job.state("totals").scan()) {
      all.count += (row as Row).count
      all.sum += (row as Row).sum
    }
    if (all.sum !== sum || all.count !== count) throw new Error(`the totals of ${keys} keys differ`)
  }
  if (rows !== keys || taken !== count) throw new Error(`${rows} keys of ${taken} events`)
}
