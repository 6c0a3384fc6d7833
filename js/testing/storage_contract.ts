/**
 * The contract that every storage passes, for storages of one's own: a list of named checks, which
 * any test runner can run.
 */
import { MillraceError } from "../errors.ts"
import { callable, checkOptions, integer } from "../options.ts"
import type { StateStorage } from "../storage/storage.ts"
import type { Check, Stores } from "./storage/check.ts"
import { crashChecks, failureChecks, reopenChecks } from "./storage/durable.ts"
import { keyChecks } from "./storage/keys.ts"
import { fenceChecks, optionalChecks } from "./storage/optional.ts"
import { modelChecks, valueChecks } from "./storage/values.ts"

/** Makes a storage of the one before; the storage itself may be given back. */
export type NextStorage = (before: StateStorage) => StateStorage | Promise<StateStorage>

/** What a driver can do beyond the four methods, and how hard it is tried. */
export interface StorageContractOptions {
  /**
   * Open a storage over what another one left, which was closed before. Default: the driver keeps
   * nothing after `close()`, and is not asked for it.
   */
  readonly reopen?: NextStorage
  /**
   * The same without a close, as after the death of a process. Default: this is not checked.
   */
  readonly crash?: NextStorage
  /** Make a storage whose host refuses every call. Default: this is not checked. */
  readonly failing?: () => StateStorage | Promise<StateStorage>
  /** What random scripts begin with, at least 1. Default 1. */
  readonly seed?: number
  /** How many times two owners contend for the store, if it has `commit`. Default 20. */
  readonly interleavings?: number
}

/** One check of a contract, for a test of one's own. */
export interface ContractCheck {
  /** A sentence that begins with "it". */
  readonly name: string
  /** Rejects with `MISMATCH`, its `cause` being what was expected and what was got. */
  readonly run: () => Promise<void>
}

/**
 * Give the checks that every storage must pass, for a test of each. `make` makes an empty store;
 * what it made is closed after its check.
 *
 * They cover values and copies of them, rules for keys, lists, many calls at once, and the optional
 * methods that are there, `commit` with its fence among them; with `reopen` and `crash`, that what
 * was acknowledged is kept; with `failing`, that errors are typed.
 *
 * @example
 * ```ts
 * for (const { name, run } of storageContract(memoryStorage)) it(name, run)
 * ```
 * @throws {MillraceError} `OPTION` for options that make no sense.
 */
export function storageContract(
  make: () => StateStorage | Promise<StateStorage>,
  options?: StorageContractOptions,
): readonly ContractCheck[] {
  const checked = checkOptions(options, contractOptions, "storageContract")
  const { reopen, crash, failing, seed = 1, interleavings = 20 } = checked
  const checks = [
    ...valueChecks,
    ...keyChecks,
    ...optionalChecks,
    ...fenceChecks(seed, interleavings),
    ...modelChecks(seed),
    ...(reopen === undefined ? [] : reopenChecks),
    ...(crash === undefined ? [] : crashChecks),
    ...(failing === undefined ? [] : failureChecks),
  ]
  const stores = { make, reopen, crash, failing }
  return checks.map(([name, run]) => ({ name, run: () => withStores(stores, run) }))
}

const contractOptions = {
  reopen: callable<NextStorage>(),
  crash: callable<NextStorage>(),
  failing: callable<() => StateStorage | Promise<StateStorage>>(),
  seed: integer(),
  interleavings: integer(),
}

/** What the caller gave. */
interface Given {
  readonly make: () => StateStorage | Promise<StateStorage>
  readonly reopen: NextStorage | undefined
  readonly crash: NextStorage | undefined
  readonly failing: (() => StateStorage | Promise<StateStorage>) | undefined
}

/** Run a check, and close what it got: what it failed with is told first. */
async function withStores(given: Given, run: Check[1]): Promise<void> {
  const open = new Set<StateStorage>()
  const opened = (storage: StateStorage) => {
    open.add(storage)
    return storage
  }
  const absent = () => {
    throw new MillraceError("INTERNAL", "the check needs a hook that was not given")
  }
  const { make, reopen = absent, crash = absent, failing = absent } = given
  const stores: Stores = {
    make: async () => opened(await make()),
    failing: async () => opened(await failing()),
    async reopen(storage) {
      open.delete(storage)
      await storage.close?.()
      return opened(await reopen(storage))
    },
    async crash(storage) {
      open.delete(storage)
      return opened(await crash(storage))
    },
  }
  try {
    await run(stores)
  } finally {
    for (const storage of open) await Promise.resolve(storage.close?.()).catch(() => undefined)
  }
}
