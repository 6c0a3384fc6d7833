/**
 * The checkpoints that are kept in storage: the last two, with all that they name. The rest is
 * removed, and so is what a crash left half written.
 */
import { isLater, numberName } from "./epochs.ts"
import { MillraceError } from "./errors.ts"
import type { Manifest } from "./manifest.ts"
import type { Shelves } from "./shelves.ts"
import type { StorageCalls } from "./storage_calls.ts"
import type { StateStorage } from "./storage/storage.ts"

/** A key of a storage. */
interface Place {
  readonly storage: StateStorage
  readonly key: string
}

/** Where the manifests and claims of a job are. */
export function manifestsOf(job: string): string {
  return `${job}/manifest/`
}

/** The key of a manifest. */
export function manifestKey(job: string, epoch: number): string {
  return manifestsOf(job) + numberName(epoch)
}

export class Kept {
  readonly #storage: StateStorage
  readonly #job: string
  readonly #calls: StorageCalls
  readonly #shelves: Shelves
  /** Oldest first. */
  #manifests: Manifest[] = []
  /** Does storage hold nothing of this job but what is kept? */
  #swept = false

  constructor(storage: StateStorage, job: string, calls: StorageCalls, shelves: Shelves) {
    this.#storage = storage
    this.#job = job
    this.#calls = calls
    this.#shelves = shelves
  }

  /** A job goes on from a checkpoint, or begins. */
  begin(manifest: Manifest | undefined): void {
    this.#manifests = manifest === undefined ? [] : [manifest]
    this.#swept = false
  }

  /** A checkpoint was given up: something of it may be there. */
  leave(): void {
    this.#swept = false
  }

  /**
   * A checkpoint is durable: keep it, the one before, and the newest claim. What cannot be removed
   * now is no loss, and the next one sweeps again.
   */
  async add(manifest: Manifest, claim: string | undefined): Promise<void> {
    const old = this.#manifests.slice(0, -1)
    this.#manifests = [...this.#manifests.slice(-1), manifest]
    const clean = this.#swept
    this.#swept = false
    const places = this.#manifests.flatMap((each) => this.#placesOf(each))
    const keep = new Set(places.map(({ key }) => key))
    if (claim !== undefined) keep.add(claim)
    try {
      const gone = old.flatMap((each) => this.#placesOf(each))
      await (clean ? this.#remove(gone, keep) : this.#sweep(keep, manifest))
      this.#swept = true
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
    }
  }

  /**
   * Remove what no kept manifest names: older checkpoints, and what a crash left half written. What
   * is there of a later owner shows that this one is over; it is not touched.
   */
  async #sweep(keep: ReadonlySet<string>, { epoch, owner }: Manifest): Promise<void> {
    const manifests = { storage: this.#storage, prefix: manifestsOf(this.#job) }
    for (const { storage, prefix } of [manifests, ...this.#shelves.all]) {
      const keys = await this.#calls.list(storage, prefix)
      const before = keys.filter((key) => !isLater(key, epoch, owner))
      const places = before.map((key) => ({ storage, key }))
      await this.#remove(places, keep)
    }
  }

  /** Manifests come first: one without its segments would be taken for damaged. */
  async #remove(places: readonly Place[], keep: ReadonlySet<string>): Promise<void> {
    for (const { storage, key } of places) {
      if (!keep.has(key)) await this.#calls.delete(storage, key)
    }
  }

  #placesOf({ epoch, operators }: Manifest): Place[] {
    const segments = operators.flatMap(({ uid, segments }) => {
      const { storage } = this.#shelves.of(uid)
      return segments.map(({ key }) => ({ storage, key }))
    })
    return [{ storage: this.#storage, key: manifestKey(this.#job, epoch) }, ...segments]
  }
}
