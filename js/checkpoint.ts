/**
 * Checkpoints: a job's state as segments and a manifest in storage, and the way back.
 *
 *   <job>/segment/<epoch>-<n>   rows of one operator (c/save.h), at most 1 MiB
 *   <job>/manifest/<epoch>      what belongs together: positions, operators, segments
 *
 * An operator whose state has a storage of its own has its segments there, under <uid>/<job>/.
 *
 * The manifest is the commit point: it is written last, and a segment that no manifest names is
 * nothing. Each segment's length and XXH64 stand in the manifest. The last two checkpoints are
 * kept, nothing is overwritten, and a restore that finds the newest damaged takes the one before
 * and says so.
 */
import { encode } from "./codec.ts"
import type { Engine } from "./engine/engine.ts"
import { saveSegments } from "./engine/scan.ts"
import { MillraceError, typeName } from "./errors.ts"
import type { Flow } from "./flow.ts"
import type { StateSchema } from "./graph.ts"
import { damaged, manifestFormat, openManifest, sealManifest } from "./manifest.ts"
import type { Manifest, SavedOperator, SavedSegment } from "./manifest.ts"
import type { Plan } from "./plan.ts"
import type { Feeds } from "./sinks/feeds.ts"
import { pathOf, statesIn } from "./states.ts"
import type { NamedState } from "./states.ts"
import { ownStorage } from "./storage/owner.ts"
import type { Owner } from "./storage/owner.ts"
import { isStorageKey } from "./storage/storage.ts"
import type { StateStorage } from "./storage/storage.ts"

/** A checkpoint that was passed over, and why. */
export interface Skipped {
  readonly epoch: number
  readonly reason: string
}

const epochDigits = 12
const manifestName = /^\d{12}$/

/** A place for segments: a storage and the keys in it that are this job's. */
interface Shelf {
  readonly storage: StateStorage
  readonly prefix: string
}

/** A key of a storage. */
interface Place {
  readonly storage: StateStorage
  readonly key: string
}

export class Checkpoints {
  readonly #storage: StateStorage
  readonly #job: string
  readonly #owner: Owner
  /** Where segments go: of operators with a storage of their own by uid, and all others. */
  readonly #own = new Map<string, Shelf>()
  readonly #common: Shelf
  readonly #owners: Owner[]
  /** The checkpoints that are kept, oldest first. */
  #kept: Manifest[] = []
  #next = 1
  /** Does storage hold nothing of this job but what is kept? */
  #swept = false

  constructor(storage: StateStorage, job: string, plan: Plan) {
    this.#storage = storage
    this.#job = job
    this.#owner = ownStorage(storage, job)
    this.#common = { storage, prefix: `${job}/segment/` }
    this.#owners = [this.#owner]
    for (const { node, uid } of plan.nodes) {
      if (node.storage === undefined) continue
      const prefix = `${lowerCase(uid)}/${job}/segment/`
      if (!isStorageKey(`${prefix}${name(0)}-${"0".repeat(9)}`)) {
        throw new MillraceError("OPTION", `${uid} and ${job} are too long for a key of a storage`)
      }
      this.#own.set(uid, { storage: node.storage, prefix })
      this.#owners.push(ownStorage(node.storage, prefix))
    }
  }

  /** The epochs that have a manifest, newest first. Throws `STORAGE`. */
  async epochs(): Promise<number[]> {
    const keys = await this.#list(this.#storage, this.#manifests)
    const names = keys.map((key) => key.slice(key.lastIndexOf("/") + 1))
    const epochs = names.filter((name) => manifestName.test(name)).map(Number)
    epochs.sort((a, b) => b - a)
    this.#next = (epochs[0] ?? 0) + 1
    return epochs
  }

  /** Read a manifest whole. Throws `CORRUPT` when it is damaged, `UNSUPPORTED` when too new. */
  async manifest(epoch: number, engine: Engine): Promise<Manifest> {
    const bytes = await this.#read(this.#storage, this.#manifestKey(epoch))
    return openManifest(bytes, this.#job, epoch, (body) => engine.checksum(body))
  }

  /** Load a manifest's rows into a fresh flow, which is of no more use if it throws `CORRUPT`. */
  async restore(manifest: Manifest, flow: Flow, engine: Engine, timeMs: number): Promise<void> {
    checkHomes(manifest, flow)
    const states = new Map(statesIn(flow).map(({ path, state }) => [path, state]))
    for (const { uid, state, segments } of manifest.operators) {
      const { operator } = states.get(pathOf(uid, state)) as NamedState
      const { storage, prefix } = this.#shelfOf(uid)
      for (const { key, bytes, checksum } of segments) {
        if (!key.startsWith(prefix)) {
          const message = `${uid}: saved state is not in state.storage, but in the storage it had`
          throw new MillraceError("STATE_CONFIG", message)
        }
        const segment = await this.#read(storage, key)
        if (segment.length !== bytes || engine.checksum(segment) !== checksum) {
          throw damaged("segment", manifest.epoch)
        }
        operator.load(segment, timeMs)
      }
      operator.loaded()
    }
    flow.goOn(manifest)
    this.#kept = [manifest]
  }

  /** Write a checkpoint of the flow, which must stand still meanwhile; gives its epoch. */
  async write(flow: Flow, engine: Engine, finished: boolean, feeds: Feeds): Promise<number> {
    const epoch = this.#next++
    const sinks = await feeds.prepare(epoch)
    const operators: SavedOperator[] = []
    let count = 0
    for (const { planned, state } of statesIn(flow)) {
      const { uid } = planned
      const { name: stateName, schema, operator } = state
      const { storage, prefix } = this.#shelfOf(uid)
      const segments: SavedSegment[] = []
      for (const segment of saveSegments(operator, encode)) {
        const key = `${prefix}${name(epoch)}-${count++}`
        const checksum = engine.checksum(segment)
        await this.#ask("write", () => storage.set(key, segment))
        segments.push({ key, bytes: segment.length, checksum })
      }
      operators.push({ uid, state: stateName, schema, segments })
    }
    const { sequence, complete } = flow
    const sources = flow.savedSources()
    const over = flow.parts.saved()
    const ended = finished ? [] : flow.leftovers.saved()
    const watermarks = flow.progress.saved()
    const what = { format: manifestFormat, job: this.#job, epoch, sequence, finished, complete }
    const manifest: Manifest = {
      ...what,
      ...(over.length > 0 && { over }),
      ...(ended.length > 0 && { ended }),
      sources,
      ...(watermarks.length > 0 && { watermarks }),
      operators,
      ...(sinks.length > 0 && { sinks }),
    }
    const bytes = sealManifest(manifest, (body) => engine.checksum(body))
    await this.#ask("write", () => this.#storage.set(this.#manifestKey(epoch), bytes))
    await feeds.commit()
    await this.#keep(manifest)
    return epoch
  }

  /** Let go of all storages; closes those that no other job uses. Throws `STORAGE`. */
  async close(): Promise<void> {
    for (const owner of this.#owners) await this.#ask("close", () => owner.release())
  }

  #shelfOf(uid: string): Shelf {
    return this.#own.get(uid) ?? this.#common
  }

  /**
   * Keep the last two. What cannot be removed now is no loss: the checkpoint is durable, and the
   * next one sweeps again.
   */
  async #keep(manifest: Manifest): Promise<void> {
    const old = this.#kept.slice(0, -1)
    this.#kept = [...this.#kept.slice(-1), manifest]
    const clean = this.#swept
    this.#swept = false
    try {
      if (clean) await this.#remove(old.flatMap((each) => this.#placesOf(each)))
      else await this.#sweep()
      this.#swept = true
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
    }
  }

  /** Remove what no kept manifest names: older checkpoints, and what a crash left half written. */
  async #sweep(): Promise<void> {
    const keep = new Set(this.#kept.flatMap((each) => this.#placesOf(each).map(({ key }) => key)))
    const manifests = { storage: this.#storage, prefix: this.#manifests }
    for (const { storage, prefix } of [manifests, this.#common, ...this.#own.values()]) {
      const orphans = (await this.#list(storage, prefix)).filter((key) => !keep.has(key))
      await this.#remove(orphans.map((key) => ({ storage, key })))
    }
  }

  /** Manifests come first: one without its segments would be taken for damaged. */
  async #remove(places: readonly Place[]): Promise<void> {
    for (const { storage, key } of places) await this.#ask("delete", () => storage.delete(key))
  }

  #placesOf({ epoch, operators }: Manifest): Place[] {
    const segments = operators.flatMap(({ uid, segments }) => {
      const { storage } = this.#shelfOf(uid)
      return segments.map(({ key }) => ({ storage, key }))
    })
    return [{ storage: this.#storage, key: this.#manifestKey(epoch) }, ...segments]
  }

  get #manifests(): string {
    return `${this.#job}/manifest/`
  }

  #manifestKey(epoch: number): string {
    return this.#manifests + name(epoch)
  }

  async #list(storage: StateStorage, prefix: string): Promise<string[]> {
    const keys: unknown = await this.#ask("list", () => storage.list(prefix))
    const isKey = (key: unknown) => typeof key === "string" && key.startsWith(prefix)
    if (Array.isArray(keys) && keys.every(isKey)) return keys as string[]
    throw new MillraceError("STORAGE", `the storage did not list keys that begin with ${prefix}`)
  }

  async #read(storage: StateStorage, key: string): Promise<Uint8Array> {
    const bytes: unknown = await this.#ask("read", () => storage.get(key))
    if (bytes instanceof Uint8Array) return bytes
    const what = bytes === undefined ? "is missing" : `is not bytes but ${typeName(bytes)}`
    throw new MillraceError("CORRUPT", `${key} ${what}`)
  }

  /** Call the storage; what it throws becomes `STORAGE`, unless it is ours already. */
  async #ask<T>(what: string, call: () => Promise<T>): Promise<T> {
    if (what !== "close" && !this.#owner.current) {
      const message = `another part of this process has taken over job ${this.#job}`
      throw new MillraceError("LOCKED", message)
    }
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

/** A uid as storage keys may have it: different ones stay different. */
function lowerCase(uid: string): string {
  return uid.replace(/[A-Z_]/g, (char) => (char === "_" ? "__" : `_${char.toLowerCase()}`))
}

/** Every saved state must have a home, with the same fields. */
function checkHomes(manifest: Manifest, flow: Flow): void {
  const homes = new Map(statesIn(flow).map(({ path, state }) => [path, state]))
  const saved = manifest.operators.map(({ uid, state, schema }) => {
    return { path: pathOf(uid, state), schema }
  })
  const homeless = saved.filter(({ path }) => !homes.has(path)).map(({ path }) => path)
  if (homeless.length > 0) {
    const here = [...homes.keys()].join(", ") || "none"
    const message = `saved state of ${homeless.join(", ")} has no operator here; here are ${here}`
    throw new MillraceError("STATE_CONFIG", message)
  }
  for (const { path, schema } of saved) checkSchema(schema, homes.get(path) as NamedState)
  for (const { uid } of manifest.sources) {
    if (flow.sources.some(({ planned }) => planned.uid === uid)) continue
    throw new MillraceError("STATE_CONFIG", `the saved position of ${uid} has no source here`)
  }
}

function checkSchema(saved: StateSchema, { schema: now, operator }: NamedState): void {
  const text = ({ kind, fields }: StateSchema) => `${kind}(${fields.join(", ")})`
  const same =
    saved.kind === now.kind && JSON.stringify(saved.fields) === JSON.stringify(now.fields)
  if (same) return
  const message = `${operator.label}: saved state is ${text(saved)}, the operator has ${text(now)}`
  throw new MillraceError("STATE_CONFIG", message)
}
