/**
 * Checkpoints: a job's state as segments and a manifest in storage, and the way back.
 *
 *   <job>/segment/<epoch>-<owner>-<n>   what changed of one state (c/save.h), at most 1 MiB
 *   <job>/manifest/<epoch>              what belongs together: positions, operators, segments
 *   <job>/manifest/<epoch>-<owner>      who goes on from there (epochs.ts)
 *
 * An operator whose state has a storage of its own has its segments there, under <uid>/<job>/.
 *
 * The manifest is the commit point: it is written last, and a segment that no manifest names is
 * nothing. It names those of earlier checkpoints, too, that are still of use (chain.ts), each with
 * its length and XXH64. The last two checkpoints are kept with all that they name, nothing is
 * overwritten, and a restore that finds the newest damaged takes the one before and says so. What a
 * checkpoint that failed would have saved is saved by the next.
 */
import { Cut } from "./cut.ts"
import type { Chains } from "./cut.ts"
import type { Engine } from "./engine/engine.ts"
import { claimName, numberName, readEpochs } from "./epochs.ts"
import { MillraceError } from "./errors.ts"
import type { Flow } from "./flow.ts"
import { openHomes } from "./homes.ts"
import type { Restoring } from "./homes.ts"
import { Kept, manifestKey, manifestsOf } from "./kept.ts"
import { damaged, manifestFormat, openManifest, sealManifest } from "./manifest.ts"
import type { Manifest, SavedSegment, SavedSink } from "./manifest.ts"
import type { Plan } from "./plan.ts"
import type { Feeds } from "./sinks/feeds.ts"
import type { RunSettings } from "./run.ts"
import { pathOf } from "./states.ts"
import type { HomedState } from "./states.ts"
import { Shelves } from "./shelves.ts"
import { ownStorage } from "./storage/owner.ts"
import type { Owner } from "./storage/owner.ts"
import { StorageCalls } from "./storage_calls.ts"
import type { StateStorage } from "./storage/storage.ts"

/** A checkpoint that was passed over, and why. */
export interface Skipped {
  readonly epoch: number
  readonly reason: string
}

/** A checkpoint that is durable, and the bytes that were written for it. */
export interface Written {
  readonly epoch: number
  readonly bytes: number
}

export class Checkpoints {
  /** Sinks have their part in every checkpoint. */
  readonly #feeds: Feeds
  readonly #storage: StateStorage
  readonly #job: string
  readonly #calls: StorageCalls
  readonly #owner: Owner
  readonly #shelves: Shelves
  readonly #kept: Kept
  #next = 1
  /** The number of this job among those that went on from one another, counted up. */
  #number = 0
  /** The key of its claim. */
  #claimed: string | undefined
  /** The chains of the last one that is durable, by the path of the state. */
  #chains: Chains = new Map()

  /** Of a job; undefined where it has no storage. */
  static of(plan: Plan, { storage, name }: RunSettings, feeds: Feeds): Checkpoints | undefined {
    return storage && new Checkpoints(storage, name, plan, feeds)
  }

  constructor(storage: StateStorage, job: string, plan: Plan, feeds: Feeds) {
    this.#feeds = feeds
    this.#storage = storage
    this.#job = job
    this.#owner = ownStorage(storage, job)
    this.#calls = new StorageCalls(job, this.#owner)
    this.#shelves = new Shelves(storage, job, plan)
    this.#kept = new Kept(storage, job, this.#calls, this.#shelves)
  }

  /** The epochs that have a manifest, newest first. Throws `STORAGE`. */
  async epochs(): Promise<readonly number[]> {
    const keys = await this.#calls.list(this.#storage, manifestsOf(this.#job))
    const { epochs, last, owner } = readEpochs(keys)
    this.#next = Math.max(this.#next, last + 1)
    this.#number = Math.max(this.#number, owner)
    return epochs
  }

  /** Read a manifest. Throws `CORRUPT` when damaged, `UNSUPPORTED` when of another version. */
  async manifest(epoch: number, engine: Engine): Promise<Manifest> {
    return this.#calls.readWhole(this.#storage, manifestKey(this.#job, epoch), (bytes) =>
      openManifest(bytes, this.#job, epoch, (body) => engine.checksum(body)),
    )
  }

  /** Load a manifest's rows into a fresh flow, which is of no more use if it throws `CORRUPT`. */
  async restore(
    manifest: Manifest,
    flow: Flow,
    engine: Engine,
    restoring: Restoring,
  ): Promise<void> {
    const { operators, sources, numbers, sinks } = manifest
    const homes = openHomes({ states: operators, sources, numbers }, flow, restoring)
    this.#feeds.checkHomes(sinks)
    const chains = chainsOf(manifest)
    for (const path of chains.keys()) {
      if (homes.get(path)?.asSaved !== true) chains.delete(path) // It is written whole.
    }
    this.#chains = chains
    for (const { uid, state, rows = 0, segments } of operators) {
      const home = homes.get(pathOf(uid, state))
      if (home === undefined) continue
      home.begin(Math.min(rows, rowsMaxOf(segments)))
      const { storage, prefix } = this.#shelves.of(uid)
      for (const { key, bytes, checksum, number } of segments) {
        if (!key.startsWith(prefix)) {
          const message = `${uid}: saved state is not in state.storage, but in the storage it had`
          throw new MillraceError("STATE_CONFIG", message)
        }
        const segment = await this.#calls.readWhole(storage, key, (read) => {
          if (read.length === bytes && engine.checksum(read) === checksum) return read
          throw damaged("segment", manifest.epoch)
        })
        home.load(segment, number)
      }
      home.loaded()
    }
    flow.goOn(manifest)
  }

  /**
   * Go on from a manifest that was restored, or begin: where the storage has a fence, nobody who
   * had the state before can commit from now on. A finished job that may only be asked for what it
   * has writes nothing yet. Throws `LOCKED` when somebody else was quicker, `STORAGE`.
   */
  async goOn(manifest: Manifest | undefined): Promise<void> {
    this.#number = Math.max(this.#number, manifest?.owner ?? 0)
    this.#kept.begin(manifest)
    if (manifest === undefined) this.#chains = new Map()
    this.#claimed = undefined
    if (manifest?.finished !== true || this.#feeds.exact.length > 0) await this.#claim()
  }

  /** Has this job claimed its state? */
  get claimed(): boolean {
    return this.#claimed !== undefined
  }

  /** Each time with another number: whether a claim that failed is there is not known. */
  async #claim(): Promise<void> {
    const owner = ++this.#number
    const key = manifestsOf(this.#job) + claimName(this.#next - 1, owner)
    const nothing = new Uint8Array()
    if (this.#storage.commit) await this.#calls.commit(this.#storage, [key, nothing], owner)
    this.#claimed = key
  }

  /** The cut of a flow as it is now, to be written behind the last checkpoint that is durable. */
  cut(flow: Flow, finished: boolean, news: () => void): Cut {
    return new Cut(flow, this.#chains, finished, news)
  }

  /**
   * Write a cut. The flow must stand still while a job has sinks. Throws `SINK`, and `STORAGE`,
   * also when storage takes longer than `timeoutMs`; what it would have saved is then in the next.
   */
  async write(cut: Cut, engine: Engine, timeoutMs: number): Promise<Written> {
    let durable = false
    let epoch = 0
    try {
      if (this.#claimed === undefined) await this.#calls.within(timeoutMs, () => this.#claim())
      epoch = this.#next++
      const sinks = await this.#feeds.prepare(epoch)
      await this.#calls.within(timeoutMs, async () => {
        const manifest = await this.#writeAll(cut, engine, epoch, sinks)
        durable = true
        this.#chains = chainsOf(manifest)
        await this.#kept.add(manifest, this.#claimed)
      })
    } finally {
      if (!durable) this.#kept.leave()
      cut.close(durable)
    }
    await this.#feeds.commit()
    return { epoch, bytes: this.#calls.written }
  }

  async #writeAll(
    cut: Cut,
    engine: Engine,
    epoch: number,
    sinks: readonly SavedSink[],
  ): Promise<Manifest> {
    const added = new Map<HomedState, SavedSegment[]>()
    for (let count = 0, piece; (piece = await cut.next()) !== undefined; count++) {
      const { homed, segment } = piece
      const { bytes, entries, number } = segment
      const { storage, prefix } = this.#shelves.of(homed.planned.uid)
      const key = `${prefix}${numberName(epoch)}-${this.#number}-${count}`
      const checksum = engine.checksum(bytes)
      await this.#calls.set(storage, key, bytes)
      const segments = added.get(homed) ?? []
      added.set(homed, segments)
      segments.push({ key, bytes: bytes.length, checksum, entries, number })
    }
    const owner = this.#number
    const manifest: Manifest = {
      ...{ format: manifestFormat, job: this.#job, epoch, owner },
      ...cut.flow,
      operators: cut.operators(added),
      ...(sinks.length > 0 && { sinks }),
    }
    await this.#seal(manifest, engine)
    return manifest
  }

  /** Make a manifest durable, if no newer owner has: where the storage has a fence. */
  async #seal(manifest: Manifest, engine: Engine): Promise<void> {
    const bytes = sealManifest(manifest, (body) => engine.checksum(body))
    const entry = [manifestKey(this.#job, manifest.epoch), bytes] as const
    await this.#feeds.commitWith((write) =>
      this.#calls.commit(this.#storage, entry, manifest.owner, write),
    )
  }

  /** Let go of all storages; closes those that no other job uses. Throws `STORAGE`. */
  async close(): Promise<void> {
    const owners = [this.#owner, ...this.#shelves.owners]
    for (const owner of owners) await this.#calls.release(owner)
  }
}

/** The smallest a row can be in a segment, bytes. */
const rowBytesMin = 13

/** What segments can hold at most, whatever a manifest says of rows. */
function rowsMaxOf(segments: readonly SavedSegment[]): number {
  return segments.reduce((sum, { bytes }) => sum + bytes, 0) / rowBytesMin
}

function chainsOf({ operators }: Manifest): Map<string, readonly SavedSegment[]> {
  return new Map(operators.map(({ uid, state, segments }) => [pathOf(uid, state), segments]))
}
