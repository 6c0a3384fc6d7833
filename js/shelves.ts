/**
 * Where the segments of a job go: into its storage, or into those that operators have of their own.
 */
import { MillraceError } from "./errors.ts"
import type { Plan } from "./plan.ts"
import { ownStorage } from "./storage/owner.ts"
import type { Owner } from "./storage/owner.ts"
import { isStorageKey } from "./storage/storage.ts"
import type { StateStorage } from "./storage/storage.ts"

/** A place for segments: a storage and the keys in it that are this job's. */
export interface Shelf {
  readonly storage: StateStorage
  readonly prefix: string
}

/** Behind the prefix of a segment's key. */
const nameLengthMax = 32

export class Shelves {
  /** Of operators with a storage of their own, by uid. */
  readonly #own = new Map<string, Shelf>()
  readonly #common: Shelf
  /** The job's hold on these places; its storage itself is not among them. */
  readonly owners: Owner[] = []

  /** Throws `OPTION` for names that do not fit into a key. */
  constructor(storage: StateStorage, job: string, plan: Plan) {
    this.#common = { storage, prefix: `${job}/segment/` }
    for (const { node, uid } of plan.nodes) {
      if (node.storage === undefined) continue
      const prefix = `${lowerCase(uid)}/${job}/segment/`
      if (!isStorageKey(prefix + "0".repeat(nameLengthMax))) {
        throw new MillraceError("OPTION", `${uid} and ${job} are too long for a key of a storage`)
      }
      this.#own.set(uid, { storage: node.storage, prefix })
      this.owners.push(ownStorage(node.storage, prefix))
    }
  }

  /** Where the segments of an operator go. */
  of(uid: string): Shelf {
    return this.#own.get(uid) ?? this.#common
  }

  get all(): readonly Shelf[] {
    return [this.#common, ...this.#own.values()]
  }
}

/** A uid as storage keys may have it: different ones stay different. */
function lowerCase(uid: string): string {
  return uid.replace(/[A-Z_]/g, (char) => (char === "_" ? "__" : `_${char.toLowerCase()}`))
}
