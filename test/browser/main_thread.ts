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
}

/** Tasks, and the names of threads. */
const categories = ["disabled-by-default-devtools.timeline", "__metadata"]

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
    const tasks = this.#events.filter((event) => {
      return event.name === "RunTask" && event.pid === pid && event.tid === tid
    })
    const worst = (time: "dur" | "tdur") =>
      tasks.reduce((most, event) => Math.max(most, event[time] ?? 0), 0) / 1000
    return { tasks: tasks.length, worstMs: worst("tdur"), worstWallMs: worst("dur") }
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
