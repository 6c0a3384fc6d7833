/**
 * Storages whose commit is a transaction that others may write in, too: what a sink writes there is
 * kept with the manifest, or neither is.
 *
 *   begin -> the fence -> segments -> write(transaction) -> manifest -> end
 *
 * A job buffers results until then, because such a transaction cannot be left open: those of
 * IndexedDB end with the turn in which nothing is asked for, those of SQLite keep others out.
 */
import { MillraceError } from "../errors.ts"
import type { StateStorage, StorageEntry } from "./storage.ts"

/** What is written in a transaction of a storage; what it throws undoes all of it. */
export type WriteIn<in Transaction> = (transaction: Transaction) => void | Promise<void>

/** A storage that sinks can write in, too; `Transaction` is what they write with. */
export interface TransactionalStorage<out Transaction> extends StateStorage {
  /** Says that {@link commit} takes `write`. */
  readonly transactional: true

  /**
   * The same as {@link StateStorage.commit}, with a `write` that is called in the transaction of
   * the manifest: not for a stale owner, and again if the transaction came to nothing and is made
   * anew. Rejects with what it throws, keeping neither the manifest nor what was written.
   */
  commit(
    segments: readonly StorageEntry[],
    manifest: StorageEntry,
    expectedOwner: number,
    write?: WriteIn<Transaction>,
  ): Promise<void>
}

/**
 * Write in a transaction that ends with its turn, so that nothing can be waited for.
 *
 * @throws {MillraceError} `SINK` when `write` gives a promise; what it throws.
 */
export function writeNow<Transaction>(
  write: WriteIn<Transaction> | undefined,
  transaction: Transaction,
): void {
  const given: unknown = write?.(transaction)
  if (typeof (given as Partial<Promise<void>> | undefined)?.then !== "function") return
  Promise.resolve(given).catch(() => undefined) // That there is one is what is told.
  const message = "a sink must write at once, and give no promise: this transaction does not wait"
  throw new MillraceError("SINK", message)
}
