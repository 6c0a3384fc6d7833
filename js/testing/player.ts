/**
 * Plays one script against a job in memory: virtual time, no timers of the host, and a crash
 * wherever one is wanted.
 *
 *     script  event event clock event | event event ...
 *                                     crash: checkpoint, drop the job, go on from storage
 *
 * A crash comes right after a checkpoint, so what comes out of a script with crashes must be
 * exactly what comes out of it without. The source is asked for the next step only when what it
 * gave before has gone through all of the graph: so time moves, and jobs crash, between two events,
 * whatever the chunk size.
 */
import { timeMsMax } from "../duration.ts"
import { MillraceError } from "../errors.ts"
import { from } from "../from.ts"
import { runWith } from "../handles.ts"
import type { Jobs, Streams } from "../handles.ts"
import { Stream } from "../keyed.ts"
import { flatMapNode } from "../operators/stateless.ts"
import { runSettings } from "../run.ts"
import { memoryStorage } from "../storage/memory.ts"
import type { StreamOf } from "../stream.ts"
import { afterOnHost } from "../time/clock.ts"
import type { SteadyClock } from "../time/clock.ts"
import { macrotask } from "../time/macrotask.ts"
import { timestampReader } from "../time/timestamps.ts"
import type { TimestampReader } from "../time/timestamps.ts"
import type { Watermark } from "../time/watermark.ts"
import type { Make, Played, PlayOptions } from "./play.ts"
import type { Step } from "./script.ts"

/** What the source of a played job reads: an event, or a mark that time has moved. */
interface Scripted<T> {
  readonly step: Step<T>
  /** Of a mark: the latest time of the events before it. */
  readonly latest?: number
}

/** How a script is played, with what only our own tests ask for. */
interface PlayerOptions<T> extends PlayOptions<T> {
  /** Crashes, and the end, take savepoints to go on from, which are added here. */
  readonly savepoints?: Uint8Array[]
}

/** What functions wait for takes no time of the script. */
const functionWaits: Pick<SteadyClock, "pause" | "deadline"> = {
  pause(_, wake) {
    let cancelled = false
    macrotask(() => cancelled || wake())
    return () => void (cancelled = true)
  },
  deadline: (ms, wake) => afterOnHost(ms, wake, true),
}

/** The time of marks before any event has come: before all others. */
const timeMsMin = -timeMsMax

export class Player<T> {
  readonly #script: readonly Step<T>[]
  readonly #options: PlayerOptions<T>
  readonly #timeOf: TimestampReader | undefined
  /** After each step, the latest time of the events so far. */
  readonly #latest: readonly number[]
  readonly #streams: Streams
  readonly #storage = memoryStorage()
  readonly #results: Record<string, unknown[]> = {}
  #now = 0
  /** The source has ended: whoever waits for a time gets it at once. */
  #ended = false
  /** Steps before this one that move the clock, or crash, were taken. */
  #passed = 0
  #stopped: (end: "crashed" | "over") => void = () => undefined

  constructor(make: Make<T>, script: readonly Step<T>[], options: PlayerOptions<T>) {
    this.#script = script
    this.#options = options
    const time = options.time ?? (haveAt(script) ? "at" : false)
    this.#timeOf = time === false ? undefined : timestampReader({ time })
    checkScript(script, this.#timeOf !== undefined)
    this.#latest = latestTimes(script, this.#timeOf)
    const made = make(this.#events())
    this.#streams = "node" in made ? { out: made as StreamOf<unknown> } : made
    for (const name of Object.keys(this.#streams)) this.#results[name] = []
  }

  async play(): Promise<Played> {
    for (;;) {
      const stopped = new Promise<"crashed" | "over">((resolve) => (this.#stopped = resolve))
      const job = await this.#run()
      try {
        const consumed = this.#consume(job)
        const end = await Promise.race([stopped, consumed])
        // When it is taken, consumers have all that there is and ask for more.
        const unsaved = typeof end === "string" ? await failureOf(this.#save(job)) : undefined
        if (end !== "crashed") this.#options.look?.(job)
        await job.close()
        const error = (await consumed).error ?? unsaved
        if (end !== "crashed" || error !== undefined) return { results: this.#results, error }
      } finally {
        await job.close()
      }
    }
  }

  /** The script's events as a stream; marks go no further than its first step. */
  #events(): Stream<T> {
    const source = { read: (position?: number) => this.#read(position ?? 0) }
    const timeOf = this.#timeOf
    const time = ({ step, latest = 0 }: Scripted<T>) =>
      step.kind === "event" ? (timeOf?.(step.value) ?? 0) : latest
    const times = {
      time,
      watermark: marked<T>(this.#options.watermark),
    }
    const steps = from<Scripted<T>, number>(source, timeOf === undefined ? {} : times)
    const values = ({ step }: Scripted<T>) => (step.kind === "event" ? [step.value] : [])
    // A kind of its own, so that the user's operators are numbered as without it.
    return new Stream({ ...flatMapNode(steps.node, values, undefined), kind: "script" })
  }

  async #save(job: Jobs<Streams>): Promise<void> {
    const { savepoints } = this.#options
    if (savepoints === undefined) return job.checkpoint()
    const bytes = await job.savepoint()
    await job.close()
    savepoints.push(new Uint8Array(await new Response(bytes).arrayBuffer()))
  }

  #run(): Promise<Jobs<Streams>> {
    const { chunkSize = 1024, maxBytes, freeze = false, savepoints } = this.#options
    const from = savepoints?.at(-1)
    const settings = runSettings({
      chunkSize,
      clock: { now: () => this.#now, after: (ms, wake) => this.#after(ms, wake) },
      ...(savepoints === undefined ? { storage: this.#storage } : {}),
      ...(from === undefined ? {} : { from }),
      memory: maxBytes === undefined ? {} : { maxBytes },
    })
    const clock = { ...settings.clock, ...functionWaits }
    return runWith(this.#streams, { ...settings, clock, freeze, sliceRows: 0 })
  }

  /** Timers never wake: what happens is what the script says; at its end they are all that does. */
  #after(ms: number, wake: () => void): () => void {
    if (!this.#ended) return () => undefined
    let cancelled = false
    const at = this.#now + ms
    queueMicrotask(() => {
      if (cancelled) return
      this.#now = Math.max(this.#now, at)
      wake()
    })
    return () => void (cancelled = true)
  }

  /** Read all outputs to the end, at the same time. */
  async #consume(job: Jobs<Streams>): Promise<{ readonly error: unknown }> {
    const read = async (name: string) => {
      for await (const result of job.output(name)) this.#results[name]?.push(result)
    }
    const ends = await Promise.allSettled(Object.keys(this.#streams).map(read))
    const failed = ends.find((end) => end.status === "rejected")
    return { error: failed?.reason }
  }

  /** From step `position` on: events as many at once as come together, other steps alone. */
  async *#read(position: number): AsyncGenerator<{ events: Scripted<T>[]; position: number }> {
    for (let at = position; at < this.#script.length;) {
      const from = at
      while (this.#script[at]?.kind === "event") at++
      if (at > from) {
        yield { events: this.#script.slice(from, at).map((step) => ({ step })), position: at }
      }
      const step = this.#script[at++]
      if (step?.kind === "end") {
        this.#ended = true
        return
      }
      if (step === undefined || at <= this.#passed) continue // Before the crash.
      this.#passed = at
      if (step.kind === "crash") await this.#stop("crashed")
      if (step.kind === "clock") this.#now = step.ms
      // Timers fire before anything is read; where nothing comes, a mark shows that they have.
      const last = at === this.#script.length
      if (step.kind === "watermark" || last) {
        yield { events: [{ step, latest: this.#latest[at - 1] ?? timeMsMin }], position: at }
      }
    }
    await this.#stop("over")
  }

  /** Tell the player, and never come back. */
  #stop(end: "crashed" | "over"): Promise<never> {
    this.#stopped(end)
    return new Promise(() => undefined)
  }
}

/** Why state could not be saved; that the job was over before is no such reason. */
async function failureOf(saved: Promise<void>): Promise<unknown> {
  try {
    await saved
    return undefined
  } catch (error) {
    return error instanceof MillraceError && error.code === "CLOSED" ? undefined : error
  }
}

function latestTimes<T>(
  script: readonly Step<T>[],
  timeOf: TimestampReader | undefined,
): readonly number[] {
  let latest = timeMsMin
  return script.map((step) => {
    if (step.kind !== "event") return latest
    try {
      latest = Math.max(latest, timeOf?.(step.value) ?? timeMsMin)
    } catch {
      // The job is told when the event comes.
    }
    return latest
  })
}

/** Watermarks after events as `given` says, after marks as their steps do. */
function marked<T>(given: Watermark<T> | undefined): Watermark<Scripted<T>> {
  return {
    create(saved) {
      const { onEvent, save } = given?.create(saved) ?? { onEvent: () => undefined }
      return {
        onEvent({ step }, timeMs) {
          if (step.kind === "event") return onEvent(step.value, timeMs)
          return step.kind === "watermark" ? step.ms : undefined
        },
        ...(save === undefined ? {} : { save }),
      }
    },
  }
}

/** Has every event of a script a number in its field `at`? */
function haveAt(script: readonly Step<unknown>[]): boolean {
  const events = script.flatMap((step) => (step.kind === "event" ? [step.value] : []))
  const at = (event: unknown) => (event as { at?: unknown } | null | undefined)?.at
  return events.length > 0 && events.every((event) => typeof at(event) === "number")
}

function checkScript(script: readonly Step<unknown>[], timed: boolean): void {
  script.forEach((step, at) => {
    if (step.kind === "watermark" && !timed) {
      const message = `step ${at} is a watermark, but events have no time: pass play({ time })`
      throw new MillraceError("OPTION", message)
    }
    if (step.kind === "end" && script.slice(at + 1).some(({ kind }) => kind !== "crash")) {
      throw new MillraceError("OPTION", `step ${at} is the end; no step may come after it`)
    }
  })
}
