/**
 * How things are measured here: variants of one task side by side, in rounds.
 *
 *     rounds 0, 1  a b c, b c a   results compared, times thrown away
 *     round 2      c a b   \
 *     round 3      a b c    } medians, per variant, of CPU time and of wall time
 *     round 4      b c a   /
 *
 * A noisy neighbour or a warm cache then meets all variants alike. Input is made anew for every
 * single run, outside the timer, and the garbage of the run before is collected. Figures are
 * ratios of CPU times (all threads of the process, the collector's included); wall time is printed
 * beside them.
 *
 * That forced collection must not change what is measured. When the last job of a kind goes, V8
 * lets go of the hidden classes of its objects and, with them, of all code that was compiled for
 * them, and the next run would compile everything anew: 40 ms of it for 60 ms of work. So a
 * variant may hold a job of its kind open, as a process has that works without a break: one from
 * the start, and, as hidden classes still change while code warms up, one from the middle of that
 * and one from its end.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { isDeepStrictEqual } from "node:util"
import Table from "cli-table3"

/** A figure of PERFORMANCE.md as it was measured; the shape of an entry of build/bench.json. */
export interface Figure {
  id: string
  case: string
  figure: number
  unit: string
  /** Without a goal the figure is for information. */
  must?: number
  aim?: number
  better: "higher" | "lower"
  control: string
  detail: Record<string, unknown>
}

/** How much is measured: `quick` takes fewer rounds and smaller cases; their names say so. */
export interface Extent {
  quick: boolean
}

/** One way to do a task. */
export interface Variant<Input> {
  name: string
  /** The part that is timed, but for what it does while the watch is stopped. */
  run(input: Input, watch: Stopwatch): unknown
  /** What must be equal between the variants; it also frees what `run` gave. Not timed. */
  check(result: never): unknown
  /** Run, and stay open, so that what was compiled outlives collections; gives its closing. */
  hold?: (input: Input) => Promise<() => unknown>
  /** So slow that it runs in one round only, which counts. */
  once?: boolean
}

/** How long other threads may need to sweep what was collected; not on anybody's account. */
const sweepMs = 30

/** Median milliseconds of one variant. */
export interface Timing {
  cpuMs: number
  wallMs: number
}

/** CPU time of all threads of this process, and time by the clock, while it goes. */
export class Stopwatch {
  cpuMs = 0
  wallMs = 0
  #cpuFrom = process.cpuUsage()
  #wallFrom = 0

  start(): void {
    this.#cpuFrom = process.cpuUsage()
    this.#wallFrom = performance.now()
  }

  stop(): void {
    this.wallMs += performance.now() - this.#wallFrom
    this.cpuMs += cpuMsSince(this.#cpuFrom)
  }
}

/** Time variants against each other; throws if their results differ. */
export async function interleave<Input>(
  rounds: number,
  makeInput: () => Input,
  variants: readonly Variant<Input>[],
): Promise<Map<string, Timing>> {
  const samples = new Map(variants.map(({ name }) => [name, [] as Timing[]]))
  const closings: (() => unknown)[] = []
  const warmUpRounds = rounds - 1 // By then everything is compiled.
  const holding = [0, Math.ceil(warmUpRounds / 2), warmUpRounds]
  let expected: unknown
  for (let round = 0; round < warmUpRounds + rounds; round++) {
    if (holding.includes(round)) {
      for (const { hold } of variants) if (hold) closings.push(await hold(makeInput()))
    }
    for (let turn = 0; turn < variants.length; turn++) {
      const variant = variants[(round + turn) % variants.length]!
      if (variant.once === true && round !== warmUpRounds) continue
      const { value, timing } = await timed(variant, makeInput())
      expected ??= value
      if (!isDeepStrictEqual(value, expected)) throw differing(variant.name, value, expected)
      if (round >= warmUpRounds) samples.get(variant.name)!.push(timing)
    }
  }
  for (const close of closings) await close()
  return new Map([...samples].map(([name, timings]) => [name, middle(timings)]))
}

async function timed<Input>(variant: Variant<Input>, input: Input) {
  await collected()
  const watch = new Stopwatch()
  watch.start()
  const result = await variant.run(input, watch)
  watch.stop()
  const { cpuMs, wallMs } = watch
  return { value: await variant.check(result as never), timing: { cpuMs, wallMs } }
}

/** Garbage is gone, and what is left is in the old generation: the next run pays for neither. */
export async function collected(): Promise<void> {
  globalThis.gc?.()
  await setTimeout(sweepMs)
}

/** CPU time of all threads of this process since `before`. */
export function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

function differing(name: string, value: unknown, expected: unknown): Error {
  const [got, wanted] = [JSON.stringify(value), JSON.stringify(expected)]
  return new Error(`"${name}" does not compute what the others do: ${got} is not ${wanted}`)
}

function middle(timings: readonly Timing[]): Timing {
  return {
    cpuMs: median(timings.map(({ cpuMs }) => cpuMs)),
    wallMs: median(timings.map(({ wallMs }) => wallMs)),
  }
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]]
  return low === undefined || high === undefined ? NaN : (low + high) / 2
}

/** The value that a share of all values does not exceed: 0.999 for p99.9. */
export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN
}

/** The ratio `control / ours` of CPU times, and both in nanoseconds per event for the detail. */
export function speedup(
  timings: Map<string, Timing>,
  { ours, control, events }: { ours: string; control: string; events: number },
) {
  const [our, other] = [timings.get(ours)!, timings.get(control)!]
  const perEvent = ({ cpuMs, wallMs }: Timing) => ({
    cpuNs: Math.round((cpuMs / events) * 1e6),
    wallNs: Math.round((wallMs / events) * 1e6),
  })
  return {
    figure: other.cpuMs / our.cpuMs,
    detail: {
      wall: rounded(other.wallMs / our.wallMs),
      ...Object.fromEntries([...timings].map(([name, timing]) => [name, perEvent(timing)])),
    },
  }
}

/** To three digits after the point: enough for a table, short in JSON. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

/** Run a program of this folder in a fresh process; its last line of stdout is JSON. */
export function inFreshProcess<Result>(
  file: string,
  given: unknown,
  more: readonly string[] = [],
): Result {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const flags = ["--expose-gc", "--import", "tsx", ...more]
  return fresh(path, [...flags, path, JSON.stringify(given)]) as Result
}

/** Run Node with these arguments; the last line of its stdout is JSON. */
export function fresh(name: string, args: readonly string[]): unknown {
  const { status, signal, stdout } = spawnSync(process.execPath, args, {
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
  })
  if (status !== 0) throw new Error(`${name} ended with ${status ?? signal}`)
  return JSON.parse(stdout.trim().split("\n").at(-1)!)
}

/** Say on stderr what is being measured. */
export function say(text: string): void {
  console.error(text)
}

/** Print the figures, and mark what falls short. */
export function printFigures(figures: readonly Figure[]): void {
  const table = new Table({
    head: ["", "case", "figure", "must", "aim", "", "control", "detail"],
    colAligns: ["left", "left", "right", "right", "right", "left", "left", "left"],
    colWidths: [null, 30, null, null, null, null, 22, 56],
    wordWrap: true,
    style: { head: [], border: [] },
  })
  for (const figure of figures) table.push(lineOf(figure))
  console.log(table.toString())
}

function lineOf(figure: Figure) {
  const sign = figure.better === "higher" ? "≥" : "≤"
  return [
    figure.id,
    figure.case,
    `${Number(figure.figure.toPrecision(3))} ${figure.unit}`,
    figure.must === undefined ? "" : `${sign} ${figure.must}`,
    figure.aim === undefined ? "" : `${sign} ${figure.aim}`,
    verdict(figure),
    figure.control,
    Object.entries(figure.detail)
      .map(([name, value]) => `${name} ${JSON.stringify(value).replaceAll('"', "")}`)
      .join("\n"),
  ]
}

function verdict({ figure, must, aim, better }: Figure): string {
  const reaches = (goal: number) => (better === "higher" ? figure >= goal : figure <= goal)
  if (aim !== undefined && reaches(aim)) return "aim"
  if (must === undefined) return ""
  return reaches(must) ? "ok" : "SHORT"
}

/** Write build/bench.json. */
export function writeFigures(figures: readonly Figure[]): void {
  const file = new URL("../../build/bench.json", import.meta.url)
  mkdirSync(new URL(".", file), { recursive: true })
  const exact = figures.map((figure) => ({ ...figure, figure: rounded(figure.figure) }))
  writeFileSync(file, `${JSON.stringify(exact, null, 2)}\n`)
}
