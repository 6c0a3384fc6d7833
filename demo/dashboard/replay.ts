/**
 * The job of the dashboard with what it stands on: the pace, the rule, the storage; and the answers
 * to the page. It runs in a Worker, and in Node for tests.
 */
import { run } from "millrace"
import type { JobBase, StateStorage } from "millrace"
import type { FlightFile } from "../flights/rows.ts"
import { countOf } from "../flights/rows.ts"
import { dashboardStreams } from "./job.ts"
import type { CheckpointView, PaceSetting, TableQuery, View, ViewQuery } from "./messages.ts"
import type { Pace } from "./pace.ts"
import { Rules } from "./rules.ts"
import { arrivals } from "./source.ts"
import { tableOf } from "./table.ts"
import { flightsOf, viewOf } from "./view.ts"
import { whyOf } from "./why.ts"

/** How often a checkpoint is taken, ms. */
const checkpointMs = 1000

/** What a replay begins with. */
export interface ReplayOptions {
  readonly file: FlightFile
  readonly flights: number
  readonly storage: StateStorage
  readonly pace: Pace
  readonly signal?: AbortSignal
}

export class Replay {
  readonly job: JobBase
  readonly #pace: Pace
  readonly #rules: Rules
  readonly #checkpoints: Marks
  readonly #flightsMax: number

  private constructor(job: JobBase, rules: Rules, marks: Marks, { pace, ...rest }: ReplayOptions) {
    this.job = job
    this.#pace = pace
    this.#rules = rules
    this.#checkpoints = marks
    this.#flightsMax = Math.min(rest.flights, countOf(rest.file))
  }

  /** Make the job, which goes on from what the storage has; nothing comes before `finished()`. */
  static async open(options: ReplayOptions): Promise<Replay> {
    const { file, flights, storage, pace, signal } = options
    const rules = await Rules.in(storage)
    const marks = new Marks()
    const job = await run(dashboardStreams(arrivals(file, flights, pace, rules)), {
      name: "dashboard",
      storage,
      checkpoint: { interval: checkpointMs },
      on: { checkpoint: (taken) => marks.add(taken) },
      ...(signal && { signal }),
    })
    const replay = new Replay(job, rules, marks, options)
    marks.flights = () => flightsOf(job)
    if (job.stats().restored !== undefined) marks.restoredAt = marks.flights()
    return replay
  }

  view(query: ViewQuery): View {
    return viewOf(this.job, query, {
      pace: this.#pace,
      flightsMax: this.#flightsMax,
      checkpoints: this.#checkpoints.view(),
    })
  }

  table(query: TableQuery) {
    return tableOf(this.job, query)
  }

  /** What is kept of a key: an airport, or a route. */
  why(key: string) {
    return whyOf(this.job, key)
  }

  setPace({ speed, paused }: PaceSetting): void {
    this.#pace.set(speed, paused)
  }

  /** How late is severe, minutes, from the next flight on. */
  changeRule(minutes: number): void {
    this.#rules.change(minutes)
    this.#pace.wake()
  }
}

/** The checkpoints of this run. */
class Marks {
  /** How many flights the state has. */
  flights: () => number = () => 0
  restoredAt: number | undefined
  #at: number | undefined
  #completed = 0
  #last = { durationMs: 0, bytes: 0 }

  add(taken: { readonly bytes: number; readonly durationMs: number }): void {
    this.#completed++
    this.#last = taken
    this.#at = this.flights()
  }

  view(): CheckpointView {
    return {
      completed: this.#completed,
      lastMs: this.#last.durationMs,
      lastBytes: this.#last.bytes,
      at: this.#at,
      restoredAt: this.restoredAt,
    }
  }
}
