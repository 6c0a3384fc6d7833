/**
 * Which job of this process writes where: of two jobs of one name in one storage, the newer.
 *
 * The older one was most likely left behind, as by a program that catches an error and starts anew;
 * if it comes back to life it must not write between the other's checkpoints. Other processes are
 * kept out by the storage's own lock. A storage is closed when the last of its jobs lets go.
 */
import type { StateStorage } from "./storage.ts"

/** A job's hold on its part of a storage. */
export interface Owner {
  /** Has no newer job of this name taken over? */
  readonly current: boolean
  /** Let go; closes the storage if nobody else uses it. */
  release(): Promise<void>
}

const owners = new WeakMap<StateStorage, Map<string, object>>()

/** Take over the part of a storage that belongs to a job's name. */
export function ownStorage(storage: StateStorage, job: string): Owner {
  const jobs = owners.get(storage) ?? new Map<string, object>()
  owners.set(storage, jobs)
  const token = {}
  jobs.set(job, token)
  return {
    get current() {
      return jobs.get(job) === token
    },
    async release() {
      if (jobs.get(job) !== token) return
      jobs.delete(job)
      if (jobs.size === 0) await storage.close?.()
    },
  }
}
