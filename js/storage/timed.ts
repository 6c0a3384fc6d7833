/**
 * A storage that answers, if only that it took too long: a job that waited for ever could not even
 * be closed.
 */
import { MillraceError } from "../errors.ts"
import type { StateStorage } from "./storage.ts"
import type { TransactionalStorage } from "./transactional.ts"

/** How long a call of a storage may take, ms. */
const callMsMax = 60_000

const methods = [
  ...(["get", "set", "delete", "list", "exists", "clear", "update"] as const),
  ...(["getMany", "setMany", "commit", "close"] as const),
]

type Method = (...args: unknown[]) => unknown

/** A storage is the same object for all jobs, as it tells them apart by that. */
const known = new WeakMap<StateStorage, StateStorage>()

/** The same storage, whose calls reject with `TIMEOUT` when they have not settled in a minute. */
export function timed(storage: StateStorage): StateStorage {
  const before = known.get(storage)
  if (before !== undefined) return before
  const given = storage as unknown as Readonly<Record<string, Method | undefined>>
  const { transactional } = storage as Partial<TransactionalStorage<unknown>>
  const inTime = methods.flatMap((name) => {
    if (typeof given[name] !== "function") return []
    const call: Method = (...args) => answered(name, () => given[name]?.(...args))
    return [[name, call] as const]
  })
  const calls = Object.fromEntries(inTime) as unknown as StateStorage
  const wrapped = { ...calls, ...(transactional && { transactional }) }
  known.set(storage, wrapped)
  known.set(wrapped, wrapped)
  return wrapped
}

async function answered(name: string, call: () => unknown): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `the storage has not answered ${name}() in ${callMsMax} ms`
      reject(new MillraceError("TIMEOUT", message))
    }, callMsMax)
  })
  try {
    return await Promise.race([call(), late])
  } finally {
    clearTimeout(timer)
  }
}
