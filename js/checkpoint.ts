/**
 * Checkpoints: a job's state as segments and a manifest in storage, and the way back.
 *
 *   <job>/segment/<epoch>-<n>   rows of one operator (c/save.h), at most 1 MiB
 *   <job>/manifest/<epoch>      what belongs together: positions, operators, segments
 *
 * The manifest is the commit point: it is written last, and a segment that no manifest names is
 * nothing. A manifest is CBOR with its XXH64 behind it; each segment's length and XXH64 stand in
 * the manifest. The last two checkpoints are kept, nothing is overwritten, and a restore that finds
 * the newest damaged takes the one before and says so.
 */
import { decode, encode } from "./codec.ts"
import type { Engine } from "./engine/engine.ts"
import { saveSegments } from "./engine/scan.ts"
import { MillraceError } from "./errors.ts"
import type { Flow, SavedSource, Step } from "./flow.ts"
import type { StateSchema } from "./graph.ts"
import type { StateStorage } from "./storage/storage.ts"

/** The version of the manifest that this code writes, and the newest that it reads. */
const manifestFormat = 1

interface SavedSegment {
  readonly key: string
  readonly bytes: number
  readonly checksum: bigint
}

interface SavedOperator {
  readonly uid: string
  readonly schema: StateSchema
  readonly segments: readonly SavedSegment[]
}

/** What stands in a manifest. */
export interface Manifest {
  readonly format: number
  readonly job: string
  readonly epoch: number
  /** Events read since the job's very first run. */
  readonly sequence: number
  /** The job ran to the end of its sources. */
  readonly finished: boolean
  readonly sources: readonly SavedSource[]
  readonly operators: readonly SavedOperator[]
}

/** A checkpoint that was passed over, and why. */
export interface Skipped {
  readonly epoch: number
  readonly reason: string
}

const epochDigits = 12

export class Checkpoints {
  readonly #storage: StateStorage
  readonly #job: string
  /** Epochs whose manifests are kept, oldest first. */
  #kept: Manifest[] = []
  #next = 1

  constructor(storage: StateStorage, job: string) {
    this.#storage = storage
    this.#job = job
  }

  /** The epochs that have a manifest, newest first. Throws `STORAGE`. */
  async epochs(): Promise<number[]> {
    const keys = await this.#ask("list", () => this.#storage.list(`${this.#job}/manifest/`))
    const epochs = keys.map((key) => Number(key.slice(key.lastIndexOf("/") + 1)))
    const sorted = epochs.filter(Number.isSafeInteger).sort((a, b) => b - a)
    this.#next = (sorted[0] ?? 0) + 1
    return sorted
  }

  /** Read a manifest whole. Throws `CORRUPT` when it is damaged. */
  async manifest(epoch: number, engine: Engine): Promise<Manifest> {
    const bytes = await this.#read(this.#manifestKey(epoch))
    if (bytes.length < 9) throw damaged("manifest", epoch)
    const body = bytes.subarray(0, -8)
    const sum = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(body.length, true)
    if (engine.checksum(body) !== sum) throw damaged("manifest", epoch)
    const manifest = decode(body) as Manifest
    if (manifest.format > manifestFormat) {
      const message = `state of format ${manifest.format}; this version reads up to ${manifestFormat}`
      throw new MillraceError("UNSUPPORTED", message)
    }
    return manifest
  }

  /** Load a manifest's rows into a fresh flow. Throws `CORRUPT`, then the flow is of no more use. */
  async restore(manifest: Manifest, flow: Flow, engine: Engine, timeMs: number): Promise<void> {
    checkHomes(manifest, flow)
    for (const { uid, segments } of manifest.operators) {
      const operator = flow.steps.find(({ planned }) => planned.uid === uid)?.runner?.operator
      if (operator === undefined) continue
      for (const { key, bytes, checksum } of segments) {
        const segment = await this.#read(key)
        if (segment.length !== bytes || engine.checksum(segment) !== checksum) {
          throw damaged("segment", manifest.epoch)
        }
        operator.load(segment, timeMs)
      }
      operator.loaded()
    }
    flow.sequence = manifest.sequence
    this.#kept = [manifest]
  }

  /** Write a checkpoint of the flow as it stands; the flow must stand still meanwhile. */
  async write(flow: Flow, engine: Engine, finished: boolean): Promise<Manifest> {
    const epoch = this.#next++
    const operators: SavedOperator[] = []
    let count = 0
    for (const { planned, runner } of flow.steps) {
      const { node, uid } = planned
      if (runner?.operator === undefined || node.schema === undefined) continue
      const segments: SavedSegment[] = []
      for (const segment of saveSegments(runner.operator, encode)) {
        const key = `${this.#job}/segment/${name(epoch)}-${count++}`
        const checksum = engine.checksum(segment)
        await this.#ask("write", () => this.#storage.set(key, segment))
        segments.push({ key, bytes: segment.length, checksum })
      }
      operators.push({ uid, schema: node.schema, segments })
    }
    const { sequence } = flow
    const sources = flow.savedSources()
    const manifest = { format: 1, job: this.#job, epoch, sequence, finished, sources, operators }
    await this.#ask("write", () => this.#storage.set(this.#manifestKey(epoch), seal(manifest, engine)))
    await this.#keep(manifest)
    return manifest
  }

  /** Remove what no kept manifest names: older checkpoints, and what a crash left half written. */
  async sweep(): Promise<void> {
    const keep = new Set(this.#kept.map(({ epoch }) => this.#manifestKey(epoch)))
    for (const { operators } of this.#kept) {
      for (const { segments } of operators) for (const { key } of segments) keep.add(key)
    }
    // Manifests first: one without its segments would be taken for damaged.
    for (const prefix of [`${this.#job}/manifest/`, `${this.#job}/segment/`]) {
      for (const key of await this.#ask("list", () => this.#storage.list(prefix))) {
        if (!keep.has(key)) await this.#ask("delete", () => this.#storage.delete(key))
      }
    }
  }

  async #keep(manifest: Manifest): Promise<void> {
    this.#kept = [...this.#kept.slice(-1), manifest]
    await this.sweep()
  }

  #manifestKey(epoch: number): string {
    return `${this.#job}/manifest/${name(epoch)}`
  }

  async #read(key: string): Promise<Uint8Array> {
    const bytes = await this.#ask("read", () => this.#storage.get(key))
    if (bytes instanceof Uint8Array) return bytes
    const what = bytes === undefined ? "is missing" : "is not bytes"
    throw new MillraceError("CORRUPT", `${key} ${what}`)
  }

  /** Call the storage; what it throws becomes `STORAGE`, unless it is ours already. */
  async #ask<T>(what: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause
      throw new MillraceError("STORAGE", `the storage failed to ${what}; see cause`, { cause })
    }
  }
}

function name(epoch: number): string {
  return String(epoch).padStart(epochDigits, "0")
}

function seal(manifest: Manifest, engine: Engine): Uint8Array {
  const body = encode(manifest)
  const bytes = new Uint8Array(body.length + 8)
  bytes.set(body)
  new DataView(bytes.buffer).setBigUint64(body.length, engine.checksum(body), true)
  return bytes
}

function damaged(what: string, epoch: number): MillraceError {
  return new MillraceError("CORRUPT", `the ${what} of checkpoint ${epoch} is damaged`)
}

/** Every saved state must have a home, with the same fields. */
function checkHomes(manifest: Manifest, flow: Flow): void {
  const stateful = flow.steps.filter(({ planned }) => planned.node.schema !== undefined)
  const homes = new Map(stateful.map((step) => [step.planned.uid, step]))
  const homeless = manifest.operators.filter(({ uid }) => !homes.has(uid)).map(({ uid }) => uid)
  if (homeless.length > 0) {
    const here = [...homes.keys()].join(", ") || "none"
    const message = `saved state of ${homeless.join(", ")} has no operator here; here are ${here}`
    throw new MillraceError("STATE_CONFIG", message)
  }
  for (const { uid, schema } of manifest.operators) checkSchema(uid, schema, homes.get(uid) as Step)
  for (const { uid } of manifest.sources) {
    if (flow.sources.some(({ planned }) => planned.uid === uid)) continue
    throw new MillraceError("STATE_CONFIG", `the saved position of ${uid} has no source here`)
  }
}

function checkSchema(uid: string, saved: StateSchema, { planned }: Step): void {
  const now = planned.node.schema as StateSchema
  const same = saved.kind === now.kind && saved.fields.join() === now.fields.join()
  if (same) return
  const text = ({ kind, fields }: StateSchema) => `${kind}(${fields.join(", ")})`
  const message = `${uid}: saved state is ${text(saved)}, the operator has ${text(now)}`
  throw new MillraceError("STATE_CONFIG", message)
}
