/**
 * Windows as plain code: every window keeps its events, and each row is computed from all of them.
 */
import { Stream, count, max, mean, min, sum } from "../js/index.ts"
import type { KeyedStream } from "../js/index.ts"
import type { OperatorOptions } from "../js/graph.ts"
import { wholeAggregateNode } from "../js/operators/window/whole.ts"
import type { WindowSpec } from "../js/operators/window/spec.ts"
import type { Assigner } from "../js/windows/assigner.ts"
import { keyReader } from "../js/state/keys.ts"

const aggregates = { count: count(), sum: sum("n"), mean: mean("n"), min: min("n"), max: max("n") }

/** An event of these tests. */
export interface Hit {
  readonly key: string
  readonly n: number | null
  readonly at: number
}

export interface WindowRow extends Record<string, unknown> {
  readonly key: string
  readonly start: number
  readonly end: number
}

/** The stream of these windows, as `window(…).aggregate(…)` makes it. */
export function whole(
  keyed: KeyedStream<string, Hit>,
  spec: WindowSpec,
  settings?: OperatorOptions,
): Stream<WindowRow> {
  const node = wholeAggregateNode(keyed.node, keyReader("key"), spec, aggregates, settings)
  if (node === undefined) throw new Error("C does not know these windows")
  return new Stream(node)
}

interface Open {
  readonly key: string
  start: number
  end: number
  /** Which event came first, over all keys. */
  first: number
  events: Hit[]
  revision: number
  /** Has it emitted when it ended? */
  fired: boolean
}

/** What comes out, and which events were late. */
export interface Expected {
  readonly rows: WindowRow[]
  readonly late: Hit[]
}

/** Feed events one at a time; the watermark is `disorderMs` behind the latest time. */
export function expectedOf(events: readonly Hit[], spec: WindowSpec, disorderMs: number): Expected {
  const windows = new Windows(spec)
  let timeMax = -Infinity
  for (const event of events) {
    windows.pass(timeMax - disorderMs)
    windows.on(event)
    timeMax = Math.max(timeMax, event.at)
  }
  windows.pass(timeMax - disorderMs)
  windows.pass(Infinity)
  return windows
}

/** An event, and what its own source's watermark was. */
export interface Placed {
  readonly event: Hit
  readonly passed: number
}

/** Rows of all windows of these events, each in those that its own source had not closed. */
export function windowsOf(placed: readonly Placed[], { assigner, options }: WindowSpec) {
  const windows = new Map<string, { key: string; start: number; end: number; events: Hit[] }>()
  for (const { event, passed } of placed) {
    for (const { start, end } of alignedRanges(assigner, event.at)) {
      if (end + (options.allowedLateness ?? 0) <= passed) continue
      const id = `${event.key} ${start}`
      const window = windows.get(id) ?? { key: event.key, start, end, events: [] }
      windows.set(id, window)
      window.events.push(event)
    }
  }
  return [...windows.values()].map(({ events, ...row }): WindowRow => {
    return { ...row, ...aggregatesOf(events) }
  })
}

/** The same for windows of a number of events; those that are not full come by first-seen key. */
export function expectedCounts(events: readonly Hit[], { assigner }: WindowSpec): Expected {
  if (assigner.kind !== "count" && assigner.kind !== "slidingCount") throw new Error(assigner.kind)
  const { kind, size, slide } = assigner
  const rows: WindowRow[] = []
  const seen = new Map<string, Hit[]>()
  const emit = (key: string, events: readonly Hit[]) => {
    const times = events.map(({ at }) => at)
    const range = { start: Math.min(...times), end: Math.max(...times) }
    rows.push({ key, ...range, ...aggregatesOf(events) })
  }
  for (const event of events) {
    const own = seen.get(event.key) ?? []
    seen.set(event.key, own)
    own.push(event)
    const { length } = own
    const first = length - size
    if (kind === "slidingCount" ? length % slide === 0 : first >= 0 && first % slide === 0) {
      emit(event.key, own.slice(Math.max(first, 0)))
    }
  }
  if (kind === "slidingCount" || !assigner.emitPartial) return { rows, late: [] }
  for (const [key, own] of seen) {
    const full = own.length < size ? 0 : Math.floor((own.length - size) / slide) + 1
    const unseen = full === 0 ? 0 : (full - 1) * slide + size
    if (own.length > Math.max(full * slide, unseen)) emit(key, own.slice(full * slide))
  }
  return { rows, late: [] }
}

class Windows implements Expected {
  readonly rows: WindowRow[] = []
  readonly late: Hit[] = []
  readonly #spec: WindowSpec
  readonly #latenessMs: number
  readonly #revised: boolean
  #open: Open[] = []
  #watermark = -Infinity
  #firsts = 0

  constructor(spec: WindowSpec) {
    this.#spec = spec
    this.#latenessMs = spec.options.allowedLateness ?? 0
    const { emit } = spec.options
    this.#revised = emit === "updates" || (this.#latenessMs > 0 && emit !== "final")
  }

  /** When a window is over. */
  #overAt({ end }: { readonly end: number }): number {
    const { assigner } = this.#spec
    const inclusive = assigner.kind === "sessions" && assigner.boundary === "inclusive"
    return inclusive ? end + 1 : end
  }

  #isClosed(window: { readonly end: number }): boolean {
    return this.#overAt(window) + this.#latenessMs <= this.#watermark
  }

  pass(watermark: number): void {
    this.#watermark = Math.max(this.#watermark, watermark)
    const waitMs = this.#spec.options.emit === "final" ? this.#latenessMs : 0
    const due = this.#open
      .filter((window) => !window.fired && this.#overAt(window) + waitMs <= this.#watermark)
      .sort((a, b) => a.end - b.end || a.first - b.first)
    for (const window of due) {
      window.fired = true
      this.#emit(window)
    }
    this.#open = this.#open.filter((window) => !this.#isClosed(window))
  }

  on(event: Hit): void {
    const touched = this.#place(event)
    if (touched.length === 0) return void this.late.push(event)
    const { emit } = this.#spec.options
    for (const window of touched) {
      window.events.push(event)
      const over = this.#overAt(window) <= this.#watermark
      if (over && emit !== "final") window.fired = true
      if (emit === "updates" || (over && emit !== "final")) this.#emit(window)
    }
  }

  #place(event: Hit): Open[] {
    const { assigner } = this.#spec
    if (assigner.kind === "sessions") return this.#session(event, assigner.gapMs as number)
    return alignedRanges(assigner, event.at)
      .filter((range) => !this.#isClosed(range))
      .map(({ start, end }) => {
        const found = this.#open.find(
          (open) => open.key === event.key && open.start === start && open.end === end,
        )
        return found ?? this.#begin(event.key, start, end)
      })
  }

  #session({ key, at }: Hit, gapMs: number): Open[] {
    const own = { start: at, end: at + gapMs }
    const { boundary } = this.#spec.assigner as { boundary: string }
    const slack = boundary === "inclusive" ? 1 : 0
    const met = this.#open
      .filter((open) => open.key === key)
      .filter(({ start, end }) => start < own.end + slack && own.start < end + slack)
    const start = Math.min(own.start, ...met.map((open) => open.start))
    const end = Math.max(own.end, ...met.map((open) => open.end))
    if (this.#isClosed({ end })) return []
    const [joined, ...others] = met.sort((a, b) => a.first - b.first)
    const window = joined ?? this.#begin(key, start, end)
    this.#open = this.#open.filter((open) => !others.includes(open))
    window.events = [window, ...others].flatMap(({ events }) => events)
    window.revision = Math.max(window.revision, ...others.map(({ revision }) => revision))
    window.fired &&= end === window.end
    Object.assign(window, { start, end })
    if (this.#overAt(window) > this.#watermark) window.fired = false
    return [window]
  }

  #begin(key: string, start: number, end: number): Open {
    const first = this.#firsts++
    const open = { key, start, end, first, events: [], revision: 0, fired: false }
    this.#open.push(open)
    return open
  }

  #emit(window: Open): void {
    const { key, start, end } = window
    const revision = this.#revised ? { revision: window.revision++ } : {}
    this.rows.push({ key, start, end, ...revision, ...aggregatesOf(window.events) })
  }
}

function alignedRanges(assigner: Assigner<never>, time: number): { start: number; end: number }[] {
  if (assigner.kind !== "tumbling" && assigner.kind !== "sliding") throw new Error(assigner.kind)
  const { sizeMs, offsetMs } = assigner
  const slideMs = assigner.kind === "sliding" ? assigner.slideMs : sizeMs
  const ranges: { start: number; end: number }[] = []
  let start = Math.floor((time - offsetMs) / slideMs) * slideMs + offsetMs
  for (; start > time - sizeMs; start -= slideMs) ranges.unshift({ start, end: start + sizeMs })
  return ranges
}

/** What the aggregates of these tests give for some events. */
export function aggregatesOf(events: readonly Hit[]): Record<string, unknown> {
  const values = events.flatMap(({ n }) => n ?? [])
  const sum = values.reduce((a, b) => a + b, 0)
  const none = values.length === 0
  return {
    count: events.length,
    sum,
    mean: none ? undefined : sum / values.length,
    min: none ? undefined : Math.min(...values),
    max: none ? undefined : Math.max(...values),
  }
}
