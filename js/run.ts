/**
 * The options of `run`, and how a job's engine and flow come to be: anew, or from a checkpoint.
 */
import type { Checkpoints, Skipped } from "./checkpoint.ts"
import type { Duration } from "./duration.ts"
import { Engine } from "./engine/engine.ts"
import { MillraceError } from "./errors.ts"
import { Flow } from "./flow.ts"
import type { Manifest } from "./manifest.ts"
import { loadModule } from "./module.ts"
import { callable, checkOptions, duration, flag, integer, nested, withMethods } from "./options.ts"
import type { SavedFlow } from "./saved.ts"
import { loadSavepoint, refuseStarted } from "./savepoint.ts"
import { savepointSource } from "./savepoint_bytes.ts"
import type { SavepointSource } from "./savepoint_bytes.ts"
import type { JobListeners } from "./listeners.ts"
import type { Check } from "./options.ts"
import type { Output } from "./output.ts"
import { later } from "./state/config.ts"
import type { Plan } from "./plan.ts"
import { restartOption } from "./restarts.ts"
import type { RestartOptions, RestartSettings } from "./restarts.ts"
import type { StateStorage } from "./storage/storage.ts"
import { timed } from "./storage/timed.ts"
import { steady, systemClock } from "./time/clock.ts"
import type { Clock, SteadyClock } from "./time/clock.ts"

/** Options of {@link run}. */
export interface RunOptions {
  /** Names the job in storage: lower-case letters, digits, dots, dashes. Default "job". */
  readonly name?: string
  /** Where checkpoints go; without it state lives in memory and ends with the job. */
  readonly storage?: StateStorage
  /**
   * A savepoint to start from: what `job.savepoint()` gave, as bytes or as a stream of them. A
   * storage must not have checkpoints of the job yet.
   */
  readonly from?: SavepointSource
  /** Start without saved state and positions that nothing here has a use for. Default false. */
  readonly allowNonRestoredState?: boolean
  readonly checkpoint?: {
    /** How often, at most. Default: only at the end and on `job.checkpoint()`. */
    readonly interval?: Duration
    /** State is as if each event came once; there is no other mode, as none would cost less. */
    readonly mode?: "exactly-once"
    /** How long one may take, the pause for slow consumers included. Default "10m". */
    readonly timeout?: Duration
    /** How long after the end of one the interval may begin the next. Default 0. */
    readonly minPause?: Duration
    /** How many in a row storage may fail to take before the job fails. Default 0. */
    readonly tolerableFailures?: number
  }
  /**
   * Go on from the last checkpoint after an error of a source, a function, a sink or the storage,
   * instead of ending with it. Needs a storage, and sources that can be read again. Results since
   * that checkpoint come again, but not to sinks that are exactly-once. Default: off.
   */
  readonly restart?: RestartOptions
  /** What is told of checkpoints and restarts; what a listener throws ends the job. */
  readonly on?: JobListeners
  /** The most memory, bytes: linear memory, and 512 for each live object. Default 1 GiB. */
  readonly memory?: { readonly maxBytes?: number }
  /** The most events that are processed at once; no result depends on it. Default 1024. */
  readonly chunkSize?: number
  /** Ends the job with `ABORTED` and frees everything. */
  readonly signal?: AbortSignal
  /** Where processing time comes from. Default: the system's clock. */
  readonly clock?: Clock
}

/** Checked options. */
export interface RunSettings {
  readonly name: string
  readonly storage: StateStorage | undefined
  readonly from: SavepointSource | undefined
  readonly allowNonRestored: boolean
  readonly checkpoint: {
    readonly intervalMs: number
    readonly timeoutMs: number
    readonly minPauseMs: number
    readonly tolerableFailures: number
  }
  readonly restart: RestartSettings | undefined
  readonly on: JobListeners
  readonly memoryBytesMax: number
  readonly chunkSize: number
  readonly signal: AbortSignal | undefined
  readonly clock: SteadyClock
  /** Are values of state frozen? For tests only. */
  readonly freeze?: boolean
  /** The most rows that a checkpoint encodes between two chunks; 0: it stands. For tests only. */
  readonly sliceRows?: number
}

const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/

const nameOption: Check<string> = (given, name) => {
  if (typeof given === "string" && namePattern.test(given)) return given
  const wanted = "1 to 64 lower-case letters, digits, dots, dashes or underscores"
  throw new MillraceError("OPTION", `${name} must be ${wanted}`)
}

const modeOption: Check<"exactly-once"> = (given, name) => {
  if (given === "exactly-once") return given
  if (given === "at-least-once") {
    const why = "nothing is aligned for a checkpoint here, so that mode would save nothing"
    throw new MillraceError("UNSUPPORTED", `${name} can only be "exactly-once": ${why}`)
  }
  throw new MillraceError("OPTION", `${name} must be "exactly-once"`)
}

const runOptions = {
  name: nameOption,
  storage: withMethods<StateStorage>("a storage", "get", "set", "delete", "list"),
  checkpoint: nested({
    interval: duration({ zero: false }),
    timeout: duration({ zero: false }),
    mode: modeOption,
    minPause: duration(),
    tolerableFailures: integer({ min: 0 }),
  }),
  on: nested({
    checkpoint: callable<NonNullable<JobListeners["checkpoint"]>>(),
    checkpointFailed: callable<NonNullable<JobListeners["checkpointFailed"]>>(),
    restored: callable<NonNullable<JobListeners["restored"]>>(),
    restarted: callable<NonNullable<JobListeners["restarted"]>>(),
  }),
  restart: restartOption,
  from: savepointSource,
  allowNonRestoredState: flag,
  parallelism: later,
  memory: nested({ maxBytes: integer({ min: 1 << 20, max: 4 * 2 ** 30 }) }),
  chunkSize: integer({ max: 65_536 }),
  signal: withMethods<AbortSignal>("an AbortSignal", "addEventListener", "removeEventListener"),
  clock: withMethods<Clock>("a clock", "now"),
}

export function runSettings(given: RunOptions | undefined): RunSettings {
  const checked = checkOptions(given, runOptions, "run")
  const { interval, timeout, minPause, tolerableFailures } = checked.checkpoint ?? {}
  return {
    name: checked.name ?? "job",
    storage: checked.storage && timed(checked.storage),
    from: checked.from,
    allowNonRestored: checked.allowNonRestoredState ?? false,
    checkpoint: {
      intervalMs: interval ?? Infinity,
      timeoutMs: timeout ?? 600_000,
      minPauseMs: minPause ?? 0,
      tolerableFailures: tolerableFailures ?? 0,
    },
    restart: checked.restart,
    on: checked.on ?? {},
    memoryBytesMax: checked.memory?.maxBytes ?? 2 ** 30,
    chunkSize: checked.chunkSize ?? 1024,
    signal: checked.signal,
    clock: steady(checked.clock ?? systemClock),
  }
}

/** An engine with its flow, and what it came from: a manifest, or a savepoint. */
export interface Opened {
  readonly engine: Engine
  readonly flow: Flow
  readonly saved: SavedFlow | undefined
  readonly manifest: Manifest | undefined
  readonly skipped: readonly Skipped[]
}

/**
 * Open the newest checkpoint that is whole, or start from the savepoint or anew when there is none;
 * and claim what was found, so that no other job goes on from there.
 *
 * @throws {MillraceError} `CORRUPT` when there are checkpoints and all are damaged; storage is
 *   left as it is. `OPTION` when there is a savepoint, too. `STORAGE`, `LOCKED`, `FOREIGN`,
 *   `STATE_CONFIG`, `MEMORY`.
 */
export async function openFlow(
  plan: Plan,
  outputs: readonly Output[],
  settings: RunSettings,
  checkpoints: Checkpoints | undefined,
): Promise<Opened> {
  const opened = await findFlow(plan, outputs, settings, checkpoints)
  try {
    await checkpoints?.goOn(opened.manifest)
  } catch (error) {
    opened.engine.close()
    throw error
  }
  return opened
}

/** Each try loads into a fresh engine, so that a damaged checkpoint leaves nothing behind. */
async function findFlow(
  plan: Plan,
  outputs: readonly Output[],
  settings: RunSettings,
  checkpoints: Checkpoints | undefined,
): Promise<Opened> {
  const module = await loadModule()
  const fresh = () => {
    const engine = new Engine(module, { ...settings, tracks: checkpoints !== undefined })
    engine.refs.freezes = settings.freeze === true
    try {
      return { engine, flow: new Flow(plan, engine, outputs, settings.clock) }
    } catch (error) {
      engine.close()
      throw error
    }
  }
  const epochs = (await checkpoints?.epochs()) ?? []
  const skipped: Skipped[] = []
  const { from, clock, name, allowNonRestored } = settings
  const restoring = () => ({ nowMs: clock.now(), allowNonRestored })
  const goesOn = checkpoints?.claimed === true && epochs.length > 0 // This very job, restarted.
  if (from !== undefined && !goesOn) {
    refuseStarted(name, epochs)
    const { engine, flow } = fresh()
    try {
      const saved = await loadSavepoint(from, flow, engine, restoring())
      return { engine, flow, saved, manifest: undefined, skipped }
    } catch (error) {
      engine.close()
      throw error
    }
  }
  for (const epoch of epochs) {
    const { engine, flow } = fresh()
    try {
      const manifest = await (checkpoints as Checkpoints).manifest(epoch, engine)
      await (checkpoints as Checkpoints).restore(manifest, flow, engine, restoring())
      return { engine, flow, saved: manifest, manifest, skipped }
    } catch (error) {
      engine.close()
      if (!(error instanceof MillraceError) || error.code !== "CORRUPT") throw error
      skipped.push({ epoch, reason: error.message })
    }
  }
  if (skipped.length > 0) {
    const [newest] = (await checkpoints?.epochs()) ?? []
    if (newest !== epochs[0]) {
      throw new MillraceError("LOCKED", `another process goes on with job ${name} at this moment`)
    }
    const reasons = skipped.map(({ reason }) => reason).join("; ")
    throw new MillraceError("CORRUPT", `no checkpoint of job ${name} is whole: ${reasons}`)
  }
  return { ...fresh(), saved: undefined, manifest: undefined, skipped }
}

/** A durable job must be able to read its sources again. Throws `SOURCE`. */
export function checkReplay(plan: Plan, settings: RunSettings): void {
  const { storage, from } = settings
  if (settings.restart !== undefined) checkRestart(plan, settings)
  if (storage === undefined) refuseOwnStorage(plan)
  if (storage !== undefined || from !== undefined) checkSources(plan)
}

/** Throws `OPTION` and `STATE_CONFIG` if nothing could be gone on from after an error. */
function checkRestart({ nodes }: Plan, { storage, from }: RunSettings): void {
  if (storage === undefined) {
    throw new MillraceError("OPTION", "run.restart needs run({ storage }) for checkpoints")
  }
  if (from !== undefined && !(from instanceof Uint8Array)) {
    throw new MillraceError("OPTION", "run.restart needs run.from as bytes: a stream is read once")
  }
  const once = nodes.find(({ node }) => "readTime" in node && !node.replayable)
  if (once === undefined) return
  const hint = "pass { read(position) } or an array"
  throw new MillraceError("STATE_CONFIG", `run.restart: ${once.uid} cannot be read again: ${hint}`)
}

/** What is saved is of use only if sources can be read on from where they were. Throws `SOURCE`. */
export function checkSources(plan: Plan): void {
  for (const { node, uid } of plan.nodes) {
    if (!("readTime" in node) || node.replayable || node.replayNone) continue
    const hint = 'pass { read(position) } or an array, or say replay: "none"'
    throw new MillraceError("SOURCE", `${uid} cannot be read again after a restart: ${hint}`)
  }
}

/** Segments are found by a manifest, and that is in the job's storage. */
function refuseOwnStorage({ nodes }: Plan): void {
  const first = nodes.find(({ node }) => node.storage !== undefined)
  if (first === undefined) return
  const message = `state.storage of ${first.uid} needs run({ storage }) for the job's manifest`
  throw new MillraceError("OPTION", message)
}
