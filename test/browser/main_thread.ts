/**
 * The tasks of a page's main thread, as Chromium traces them: how long each took of the processor,
 * and by the clock, which also has what other programs took in between.
 */
import type { CDPSession } from "playwright-core"
import type { Chromium } from "./chromium.ts"

/** An event of a trace; times are in microseconds. */
interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  readonly ts: number
  /** By the clock, and of the processor. */
  readonly dur?: number
  readonly tdur?: number
  /** Of `thread_name`: what it is called. */
  readonly args: { readonly name?: string }
}

/** What the tasks came to. */
export interface Tasks {
  readonly tasks: number
  /** The longest: of the processor's time, and of the clock's. */
  readonly worstMs: number
  readonly worstWallMs: number
  /** What took the most of the processor in the longest. */
  readonly worstParts: readonly string[]
}

/** Tasks, what they are made of, and the names of threads. */
const categories = ["disabled-by-default-devtools.timeline", "devtools.timeline", "__metadata"]

export class MainThread {
  readonly #session: CDPSession
  readonly #events: TraceEvent[] = []

  private constructor(session: CDPSession) {
    this.#session = session
    session.on("Tracing.dataCollected", ({ value }) => {
      this.#events.push(...(value as unknown as TraceEvent[]))
    })
  }

  /** Watch the one page that has a worker, from now on. */
  static async watch(browser: Chromium): Promise<MainThread> {
    const session = await browser.context.browser()?.newBrowserCDPSession()
    if (session === undefined) throw new Error("Chromium is not there")
    const thread = new MainThread(session)
    const traceConfig = { includedCategories: categories, excludedCategories: ["*"] }
    await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig })
    return thread
  }

  async stop(): Promise<Tasks> {
    const complete = new Promise((resolve) =>
      this.#session.once("Tracing.tracingComplete", resolve),
    )
    await this.#session.send("Tracing.end")
    await complete
    await this.#session.detach()
    const { pid, tid } = this.#thread()
    const events = this.#events.filter((event) => event.pid === pid && event.tid === tid)
    const tasks = events.filter(({ name }) => name === "RunTask")
    const [worst] = [...tasks].sort((a, b) => cpuMs(b) - cpuMs(a))
    return {
      tasks: tasks.length,
      worstMs: worst === undefined ? 0 : cpuMs(worst),
      worstWallMs: tasks.reduce((most, { dur = 0 }) => Math.max(most, dur), 0) / 1000,
      worstParts: worst === undefined ? [] : partsOf(worst, events),
    }
  }

  #thread(): TraceEvent {
    const named = (name: string) =>
      this.#events.filter((event) => event.name === "thread_name" && event.args.name === name)
    const workers = named("DedicatedWorker thread").map(({ pid }) => pid)
    const [thread, ...others] = named("CrRendererMain").filter(({ pid }) => workers.includes(pid))
    if (thread !== undefined && others.length === 0) return thread
    throw new Error("the trace must have the main thread of one page with a worker")
  }
}

const cpuMs = ({ tdur = 0 }: TraceEvent) => tdur / 1000

/** What lies in a task, the longest three. */
function partsOf(task: TraceEvent, events: readonly TraceEvent[]): string[] {
  const end = task.ts + (task.dur ?? 0)
  const parts = events.filter((each) => each !== task && each.ts >= task.ts && each.ts < end)
  const longest = parts.sort((a, b) => cpuMs(b) - cpuMs(a)).slice(0, 3)
  return longest.map((part) => `${part.name} ${cpuMs(part)} ms`)
}
