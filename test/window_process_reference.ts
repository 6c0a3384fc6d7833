/**
 * Windows of every kind as plain code: each keeps all its events, and every result is made of them
 * anew. Sessions and windows of each event are found from the events themselves every time.
 */
import type { WindowRange } from "../js/index.ts"
import { gapOf, numbers, twice } from "./window_process_setting.ts"
import type { Hit, Kind, Row, Setting } from "./window_process_setting.ts"

interface Placed {
  readonly event: Hit
  readonly time: number
}

interface Win {
  readonly key: string
  start: number
  end: number
  first: number
  revision: number
  events: Placed[]
  timers: Set<number>
  state: number | undefined
  /** Counting windows: events so far, and the first that is in it. */
  seen: number
  base: number
}

export class Reference {
  readonly rows: Row[] = []
  readonly late: Hit[] = []
  readonly #setting: Setting
  #open: Win[] = []
  #watermark = -Infinity
  #firsts = 0
  /** All events of windows of each event, whether or not their windows are open. */
  readonly #all: Placed[] = []

  constructor(setting: Setting) {
    this.#setting = setting
  }

  get #counts(): boolean {
    return ["count", "slidingCount", "global"].includes(this.#setting.kind.kind)
  }

  get #inclusive(): boolean {
    const { kind } = this.#setting
    return kind.kind === "slidingEach" || (kind.kind === "sessions" && !kind.exclusive)
  }

  #overAt({ end }: WindowRange): number {
    return this.#counts ? Infinity : this.#inclusive ? end + 1 : end
  }

  #closeAt(range: WindowRange): number {
    return this.#overAt(range) + this.#setting.lateness
  }

  #isClosed(range: WindowRange): boolean {
    return this.#closeAt(range) <= this.#watermark
  }

  /** Time goes on: everything that is due happens, in order. */
  pass(watermark: number): void {
    for (;;) {
      const due = (win: Win) => Math.min(this.#closeAt(win), ...win.timers)
      const next = Math.min(...this.#open.map(due))
      if (!(next <= watermark) || this.#open.length === 0) break
      const now = this.#open.filter((win) => due(win) <= next)
      now.sort((a, b) =>
        this.#counts ? firstOf(a) - firstOf(b) : a.end - b.end || a.first - b.first,
      )
      this.#watermark = Math.max(this.#watermark, next)
      for (const win of now) this.#ring(win, next)
      if (next === Infinity) break
    }
    this.#watermark = Math.max(this.#watermark, watermark)
  }

  #ring(win: Win, time: number): void {
    const { trigger, emit, kind } = this.#setting
    const rung = [...win.timers].filter((timer) => timer <= time).sort((a, b) => a - b)
    for (const timer of rung) win.timers.delete(timer)
    for (const timer of rung) {
      const over = timer >= this.#overAt(win)
      const periodic = trigger === "every" && win.state === timer
      if (periodic) win.state = undefined
      if (over || periodic) this.#fire(win)
    }
    if (this.#closeAt(win) > time) return
    if (!this.#counts && emit === "final") this.#fire(win)
    if (this.#counts && trigger === undefined && this.#isPartial(win, kind)) this.#fire(win)
    this.#open = this.#open.filter((other) => other !== win)
  }

  #isPartial({ seen, base }: Win, kind: Kind): boolean {
    if (kind.kind === "global") return true
    if (kind.kind !== "count" || !kind.partial) return false
    return seen > (base === 0 ? 0 : base - kind.slide + kind.size)
  }

  on(event: Hit, time: number): void {
    const placed = { event, time }
    const touched = this.#place(placed)
    if (touched === "late") return void this.late.push(event)
    for (const win of touched) this.#take(win, placed)
  }

  #take(win: Win, { event, time }: Placed): void {
    const { emit } = this.#setting
    const purges = this.#setting.trigger === "purgingCount"
    const fires = emit !== "final" || this.#counts ? this.#asks(win, event, time) : false
    if (fires || emit === "updates") this.#fire(win)
    if (fires && this.#setting.kind.kind === "count") this.#advance(win, this.#setting.kind.slide)
    if (fires && this.#setting.kind.kind === "slidingCount") win.revision = 0
    if (fires && purges) win.events = []
  }

  #asks(win: Win, event: Hit, time: number): boolean {
    const { trigger, kind } = this.#setting
    const over = this.#watermark >= this.#overAt(win)
    if (kind.kind === "count") return win.seen === win.base + kind.size
    if (kind.kind === "slidingCount") return win.seen % kind.slide === 0
    if (trigger === "count" || trigger === "purgingCount") {
      const count = (win.state ?? 0) + 1
      win.state = count < numbers.count ? count : undefined
      return count >= numbers.count // Sessions that meet may have more.
    }
    if (trigger === "delta") {
      const before = win.state
      const far = before !== undefined && Math.abs(event.n - before) > numbers.delta
      if (before === undefined || far) win.state = event.n
      return far
    }
    if (over) return true
    if (!this.#counts) win.timers.add(this.#overAt(win))
    if (trigger !== "every") return false
    win.state ??= (Math.floor(Math.max(time, this.#watermark) / numbers.every) + 1) * numbers.every
    win.timers.add(win.state) // Anew where it was at an end that has moved.
    return false
  }

  #advance(win: Win, slide: number): void {
    win.base += slide
    win.revision = 0
    win.events = win.events.slice(slide)
  }

  #fire(win: Win): void {
    const { evictor, kind, discard } = this.#setting
    let events = win.events
    if (kind.kind === "slidingEach") {
      const within = ({ event, time }: Placed) =>
        event.key === win.key && time >= win.start && time <= win.end
      events = this.#all.filter(within)
    }
    if (kind.kind === "slidingCount") events = events.slice(-kind.size)
    if (evictor === "last") events = events.slice(-numbers.last)
    const newest = Math.max(...events.map(({ time }) => time))
    if (evictor === "within") events = events.filter(({ time }) => time > newest - numbers.within)
    if (discard) win.events = []
    if (events.length === 0) return
    const times = events.map(({ time }) => time)
    const window = this.#counts
      ? { start: Math.min(...times), end: Math.max(...times) }
      : { start: win.start, end: win.end }
    const made = events.map(({ event }) => event.i)
    this.rows.push({ key: win.key, window, revision: win.revision++, events: made })
  }

  // ---- which windows ----

  #place(placed: Placed): readonly Win[] | "late" {
    const { kind } = this.#setting
    switch (kind.kind) {
      case "sliding":
        return this.#ranges(placed, slidingRanges(kind, placed.time))
      case "custom":
        return this.#ranges(placed, twice(undefined, placed.time))
      case "sessions":
        return this.#session(placed)
      case "slidingEach":
        return this.#each(placed, kind.size)
      default:
        return this.#counted(placed)
    }
  }

  #begin(key: string, { start, end }: WindowRange): Win {
    const first = this.#firsts++
    const none = { revision: 0, events: [], timers: new Set<number>(), state: undefined }
    const win: Win = { key, start, end, first, seen: 0, base: 0, ...none }
    this.#open.push(win)
    return win
  }

  #find(key: string, range: WindowRange): Win | undefined {
    const { start, end } = range
    return this.#open.find((win) => win.key === key && win.start === start && win.end === end)
  }

  #ranges(placed: Placed, ranges: readonly WindowRange[]): readonly Win[] | "late" {
    const open = ranges.filter((range) => !this.#isClosed(range))
    if (open.length === 0) return "late"
    const { key } = placed.event
    const wins = open.map((range) => this.#find(key, range) ?? this.#begin(key, range))
    for (const win of wins) win.events.push(placed)
    return wins
  }

  /** Sort all events of the key's open sessions, and cut them where they are far enough apart. */
  #session(placed: Placed): readonly Win[] | "late" {
    const kind = this.#setting.kind as Extract<Kind, { kind: "sessions" }>
    const ownEnd = ({ event, time }: Placed) =>
      time + (kind.gap === "own" ? gapOf(event) : kind.gap)
    const before = this.#open.filter(({ key }) => key === placed.event.key)
    const parts = [
      ...before.map(({ start, end }) => ({ start, end })),
      { start: placed.time, end: ownEnd(placed) },
    ].sort((a, b) => a.start - b.start)
    const clusters: { start: number; end: number }[] = []
    for (const { start, end } of parts) {
      const last = clusters.at(-1)
      const meets = last !== undefined && (kind.exclusive ? start < last.end : start <= last.end)
      if (meets) last.end = Math.max(last.end, end)
      else clusters.push({ start, end })
    }
    const isIn = ({ start, end }: WindowRange) => start <= placed.time && ownEnd(placed) <= end
    const range = clusters.find(isIn) as WindowRange
    if (this.#isClosed(range)) return "late"
    const met = before.filter(({ start, end }) => start >= range.start && end <= range.end)
    const win = this.#begin(placed.event.key, range)
    if (met.length > 0) {
      this.#firsts--
      win.first = Math.min(...met.map(({ first }) => first))
      win.revision = Math.max(...met.map(({ revision }) => revision))
      const ends = met.map((one) => this.#overAt(one)).filter((end) => end !== this.#overAt(range))
      win.timers = new Set(met.flatMap(({ timers }) => [...timers]))
      for (const end of ends) win.timers.delete(end)
      win.state = this.#mergeStates(met.map(({ state }) => state))
      win.events = met.flatMap(({ events }) => events).sort((a, b) => a.event.i - b.event.i)
    }
    win.events.push(placed)
    this.#open = this.#open.filter((one) => !met.includes(one))
    return [win]
  }

  #mergeStates(states: readonly (number | undefined)[]): number | undefined {
    const known = states.filter((state) => state !== undefined)
    if (known.length === 0) return undefined
    return this.#setting.trigger === "every" ? Math.min(...known) : known.reduce((a, b) => a + b, 0)
  }

  #each(placed: Placed, size: number): readonly Win[] | "late" {
    const { key } = placed.event
    const { time } = placed
    const times = this.#all.filter(({ event }) => event.key === key).map((one) => one.time)
    const isOpen = (start: number) => !this.#isClosed({ start, end: start + size })
    const starts = new Set([time - size])
    if (times.some((other) => other > time && other <= time + 1 + size)) starts.add(time + 1)
    for (const other of times) {
      if (time >= other + 1 && time <= other + 1 + size) starts.add(other + 1)
    }
    const holds = ({ start, end }: WindowRange) => start <= time && time <= end
    const old = this.#open.filter((win) => win.key === key && holds(win) && isOpen(win.start))
    const made = [...starts]
      .filter((start) => isOpen(start) && !this.#find(key, { start, end: start + size }))
      .sort((a, b) => a - b)
    if (old.length === 0 && !made.some((start) => start <= time)) return "late"
    this.#all.push(placed)
    return [...old, ...made.map((start) => this.#begin(key, { start, end: start + size }))]
  }

  #counted(placed: Placed): readonly Win[] {
    const { key } = placed.event
    const win = this.#open.find((one) => one.key === key) ?? this.#begin(key, { start: 0, end: 0 })
    const isIn = win.seen++ >= win.base
    if (!isIn) return []
    win.events.push(placed)
    return [win]
  }
}

/** The number of the first event that is in a window now. */
const firstOf = ({ events }: Win): number => events[0]?.event.i ?? 0

function slidingRanges(
  { size, slide, offset }: Extract<Kind, { kind: "sliding" }>,
  time: number,
): WindowRange[] {
  const ranges: WindowRange[] = []
  for (let start = time - size + 1; start <= time; start++) {
    if ((((start - offset) % slide) + slide) % slide === 0)
      ranges.push({ start, end: start + size })
  }
  return ranges
}
