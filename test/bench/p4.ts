/**
 * P4: the workloads that RS2 publishes, on Millrace, on RS2 itself, and in plain JavaScript.
 *
 * Input is made outside the timer: a hundred users, or one for every event. A run is one job after
 * the other, enough of them to last some milliseconds, so opening and closing a job counts, which
 * is a part of it at a thousand events. Between two jobs the event loop turns once, and what the
 * first gave is looked at and dropped, outside the timer. Small jobs have many rounds: V8 compiles
 * for a million events or more, and RS2 was compiled before.
 *
 * Each workload has a process of its own. RS2's runs are in processes beside it, before and after,
 * but for 100,000 unique keys, which take it some seconds, and in a quick run, only before.
 *
 * Two of RS2's are left out. Its join ends with its left input and takes from both at random, so
 * its results are others each time. A custom storage keeps the state of each key there, and here
 * only what a checkpoint saves. Some others of RS2's are one program under several names, and are
 * measured once: map is also its storage in memory, its session configuration and its low
 * cardinality; "unique keys" is its high cardinality. "storage" reads and writes a number.
 */
import { setImmediate } from "node:timers/promises"
import type { Stream } from "millrace"
import { heldEvents } from "./data.ts"
import { type Extent, type Figure, inFreshProcess, interleave, rounded, say } from "./harness.ts"
import { speedup, type Stopwatch, type Timing, type Variant } from "./harness.ts"
import { held } from "./held.ts"
import { digestOf, type Result, type UserEvent, userEvents } from "./p4_events.ts"
import { unbounded, type Workload, workloads } from "./p4_workloads.ts"
import { type Amount, hasRs2, runRs2 } from "./rs2.ts"

const ours = "millrace"
const control = "plain JS"
const peer = "RS2"

const leftOut = "join, custom storage"

const sizes = {
  "1k": { events: 1_000, jobs: 50, rounds: 30 },
  "10k": { events: 10_000, jobs: 10, rounds: 12 },
  "100k": { events: 100_000, jobs: 1, rounds: 6 },
  "1M": { events: 1_000_000, jobs: 1, rounds: 3 },
} as const satisfies Record<string, Amount>

type Size = keyof typeof sizes

/** What is asked of the process of one workload. */
interface Asked {
  name: string
  sizes: Size[]
  rs2: boolean
  quick: boolean
}

const quickWorkloads = ["map", "throttle", "unique keys"]

/** Measure P4; a quick run takes three workloads at 10,000 events, and RS2 only if it is built. */
export async function p4({ quick }: Extent): Promise<Figure[]> {
  const rs2 = hasRs2({ build: !quick })
  say(`left out: ${leftOut}`)
  const figures: Figure[] = []
  for (const { name, unique = false } of workloads) {
    if (quick && !quickWorkloads.includes(name)) continue
    // A million events of as many users would take RS2 half a minute.
    const whole: Size[] = ["1k", "10k", unique ? "100k" : "1M"]
    const given: Asked = { name, sizes: quick ? ["10k"] : whole, rs2, quick }
    const measured = inFreshProcess<Figure[]>("alone.ts", { suite: "p4", given })
    for (const { case: name, figure, unit } of measured)
      say(`  ${name}: ${rounded(figure)} ${unit}`)
    figures.push(...measured)
  }
  if (rs2) figures.push(meanOf(figures))
  return figures
}

/** One workload: a figure for each size, and for unique keys what the bound costs. */
export async function alone({ name, sizes, rs2, quick }: Asked): Promise<Figure[]> {
  const workload = workloads.find((workload) => workload.name === name)!
  const figures: Figure[] = []
  for (const size of sizes) figures.push(await measure(workload, size, { rs2, quick }))
  if (workload.unique === true) figures.push(await costOfBound(workload, quick ? 100_000 : 1e6))
  return figures
}

async function measure(
  workload: Workload,
  size: Size,
  { rs2, quick }: { rs2: boolean; quick: boolean },
): Promise<Figure> {
  const amount = { ...sizes[size], ...(quick ? { rounds: 2 } : {}) }
  const { events, jobs, rounds } = amount
  const input = () => Array.from({ length: jobs }, () => userEvents(events, workload.unique))
  // With many unique keys RS2 takes so long that one job is measured well enough.
  const slow = workload.unique === true && events >= 10_000
  const peerAmount = { ...amount, rounds: slow ? 1 : 2, jobs: slow ? 1 : jobs }
  const before = rs2 ? runRs2(workload.name, peerAmount) : undefined
  const variants = [jobVariant(ours, workload.job), controlVariant(workload)]
  const timings = await interleave(rounds, input, variants)
  const again = rs2 && !quick && !(slow && events > 10_000)
  const after = again ? runRs2(workload.name, peerAmount) : before
  const common = { id: "P4", case: `${workload.name}, ${size}`, better: "higher" } as const
  const plain = speedup(timings, { ours, control, events: events * jobs })
  const beside = { [`x ${control}`]: rounded(plain.figure), ...plain.detail }
  if (before === undefined || after === undefined) {
    const figure = perEvent(timings.get(ours)!, amount)
    return { ...common, better: "lower", figure, unit: "ns", control, detail: beside }
  }
  const results = await onlyJob(workload, events)
  if (results !== before.digest || results !== after.digest) {
    throw new Error(`RS2's results of ${workload.name} are not ours`)
  }
  const rs2Ns = (before.cpuNs + after.cpuNs) / 2
  const figure = rs2Ns / perEvent(timings.get(ours)!, amount)
  const detail = { [`${peer} cpuNs`]: Math.round(rs2Ns), ...beside }
  return { ...common, figure, unit: "x", must: 1.5, aim: 3, control: peer, detail }
}

/** The digest of a job of Millrace; that it is also the control's is checked as both are timed. */
async function onlyJob({ job, unique }: Workload, events: number): Promise<number> {
  return digestOf(await job(userEvents(events, unique)).toArray())
}

const perEvent = ({ cpuMs }: Timing, { events, jobs }: Amount) => (cpuMs * 1e6) / (events * jobs)

function jobVariant(name: string, job: Workload["job"]): Variant<UserEvent[][]> {
  return {
    name,
    run: (inputs, watch) => oneByOne(inputs, (events) => job(events).toArray(), watch),
    check: (digests) => digests,
    hold: (inputs) => held(job(inputs.flat().slice(0, heldEvents)) as Stream<Result>),
  }
}

function controlVariant(workload: Workload): Variant<UserEvent[][]> {
  return {
    name: control,
    run: (inputs, watch) => oneByOne(inputs, (events) => workload.control(events), watch),
    check: (digests) => digests,
  }
}

/** Digests of the results of each. */
async function oneByOne(
  inputs: UserEvent[][],
  task: (events: UserEvent[]) => Promise<Result[]>,
  watch: Stopwatch,
): Promise<number[]> {
  const digests: number[] = []
  for (const events of inputs) {
    const results = await task(events)
    watch.stop()
    digests.push(digestOf(results))
    watch.start()
    await setImmediate()
  }
  return digests
}

/** What `StateConfigs.session()` costs where every key is new, beside the same without a bound. */
async function costOfBound(workload: Workload, events: number): Promise<Figure> {
  const control = "unbounded"
  const variants = [jobVariant(ours, workload.job), jobVariant(control, unbounded)]
  const timings = await interleave(2, () => [userEvents(events, true)], variants)
  const { figure, detail } = speedup(timings, { ours, control, events })
  const common = { id: "P4", unit: "x", must: 2, better: "lower", control } as const
  const size = `${events / 1000}k`
  return { ...common, case: `cost of session(), ${size} unique keys`, figure: 1 / figure, detail }
}

/** The geometric mean of the ratios to RS2. */
function meanOf(figures: Figure[]): Figure {
  const ratios = figures.filter((figure) => figure.control === peer).map(({ figure }) => figure)
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length)
  const common = { id: "P4", unit: "x", must: 4, aim: 8, better: "higher", control: peer } as const
  const detail = { cases: ratios.length, "left out": leftOut }
  return { ...common, case: "geometric mean", figure: mean, detail }
}
