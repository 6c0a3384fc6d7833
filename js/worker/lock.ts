/**
 * Is a worker still there? One that ends itself says nothing, but its Web Lock is free then.
 */

interface Host {
  readonly navigator?: { readonly locks?: LockManager }
}

const locks = () => (globalThis as Host).navigator?.locks

/** Hold a lock for as long as this worker lives. Gives its name; undefined: there are none here. */
export async function holdLock(): Promise<string | undefined> {
  const name = `millrace/worker/${Math.random()}/${Date.now()}`
  return new Promise((resolve) => {
    const hold = () => {
      resolve(name)
      return new Promise<never>(() => undefined)
    }
    const request = locks()?.request(name, hold) ?? Promise.resolve()
    request.then(
      () => resolve(undefined),
      () => resolve(undefined),
    )
  })
}

/** Call `ended` when the worker that holds the lock is gone, if that is before the signal. */
export function watchLock(name: string, signal: AbortSignal, ended: () => void): void {
  locks()
    ?.request(name, { signal }, ended)
    .catch(() => undefined)
}
