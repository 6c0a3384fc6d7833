/**
 * A job's figures.
 */
import type { Skipped } from "./checkpoint.ts"
import type { Engine, MemoryStats } from "./engine/engine.ts"
import type { Flow } from "./flow.ts"
import type { OperatorNode } from "./graph.ts"
import type { CacheStats } from "./operators/cache.ts"
import { statesOf } from "./states.ts"
import type { Step } from "./step.ts"
import type { Output } from "./output.ts"
import type { LateStats } from "./time/late.ts"

/** Figures of one operator, since the job's start in this run. */
export interface OperatorStats {
  /** What its options call it. */
  readonly name?: string
  /** Values that came in, and went out. */
  readonly in: number
  readonly out: number
  /** Events that could not be taken and were left out or routed; see `onError`. */
  readonly skipped: number
  /** Keys that have state, and the bytes that they take. */
  readonly rows: number
  readonly bytes: number
  /** Keys whose state was removed by ttl, and to make room. */
  readonly expired: number
  readonly evicted: number
  /** Values that were NaN and were left out of aggregates. */
  readonly nans: number
  /** Events that came too late, by reason; only of operators that drop or route such events. */
  readonly late?: LateStats
  /** Of what a `lookup` keeps. */
  readonly cache?: CacheStats
}

/** What became of checkpoints in this run. */
export interface CheckpointStats {
  readonly completed: number
  readonly failed: number
  /** The epoch of the last one that is durable. */
  readonly last: number | undefined
}

/** What a run began from. */
export interface Restored {
  /** Of the checkpoint; undefined: it was a savepoint. */
  readonly epoch: number | undefined
  /** Events read until then since the job's very first run. */
  readonly position: number
  readonly skipped: readonly Skipped[]
}

/** What `job.stats()` gives. */
export interface JobStats {
  /** Events read in this run. */
  readonly events: number
  /** Events read since the job's very first run. */
  readonly position: number
  /** The checkpoint that this run began from, and newer ones that were damaged. */
  readonly restored: Restored | undefined
  /** How often the job went on after an error; other figures are of the time since then. */
  readonly restarts: number
  /** By uid. */
  readonly operators: Readonly<Record<string, OperatorStats>>
  /** Events that an `overflow` dropped, by source; see `from(eventTarget, …)`. */
  readonly dropped: Readonly<Record<string, number>>
  /** Results that nobody claimed, by output. */
  readonly discarded: Readonly<Record<string, number>>
  /** Bytes. */
  readonly memory: MemoryStats
  readonly checkpoints: CheckpointStats
}

/** What is told of one flow, from its start to its end. */
export type FlowStats = Omit<JobStats, "restarts" | "checkpoints">

export function statsOf(
  engine: Engine,
  flow: Flow,
  outputs: readonly Output[],
  restored: Restored | undefined,
): FlowStats {
  const operators = flow.steps.filter(({ runner }) => runner !== undefined)
  return {
    events: flow.events,
    position: flow.sequence,
    restored,
    operators: Object.fromEntries(operators.map((step) => [step.planned.uid, operatorStats(step)])),
    dropped: Object.fromEntries(
      flow.sources.flatMap(({ planned, reader }) =>
        reader?.dropped === undefined ? [] : [[planned.uid, reader.dropped]],
      ),
    ),
    discarded: Object.fromEntries(outputs.map(({ name, discarded }) => [name, discarded])),
    memory: engine.memory(),
  }
}

/** The figures of one operator. */
export function operatorStats({ planned, runner, tolerance, in: came, out }: Step): OperatorStats {
  const { name } = planned.node as OperatorNode
  const named = name === undefined ? {} : { name }
  const sum = { rows: 0, bytes: 0, expired: 0, evicted: 0, nans: 0 }
  for (const { operator } of statesOf(planned, runner)) {
    const figures = operator.stats()
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += figures[name]
  }
  const { late, cache } = runner ?? {}
  return {
    ...named,
    ...{ in: came, out, skipped: tolerance?.skipped ?? 0, ...sum },
    ...(late !== undefined && { late: { ...late } }),
    ...(cache !== undefined && { cache: cacheFigures(cache) }),
  }
}

/** As they are now. */
function cacheFigures({ size, hits, misses, evicted }: CacheStats): CacheStats {
  return { size, hits, misses, evicted }
}
