/**
 * What tests of jobs watch with: sources that tell what was done to them, consumers that stop at
 * will, storages that count, and a guard against rejections that nobody handled.
 */
import { afterEach, beforeEach, expect } from "vitest"
import type { Replayable, StateStorage, StreamOf } from "../js/index.ts"
import { MillraceError, run } from "../js/index.ts"
import type { ErrorCode } from "../js/index.ts"

/** A turn of the event loop: everything that is ready has been done after a few. */
export async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Fail the test in which a promise was rejected and nobody looked. */
export function guardRejections(): void {
  let unhandled: unknown[] = []
  const note = (error: unknown) => void unhandled.push(error)
  beforeEach(() => {
    unhandled = []
    process.on("unhandledRejection", note)
  })
  afterEach(async () => {
    await turns()
    process.off("unhandledRejection", note)
    expect(unhandled).toEqual([])
  })
}

/** Up to `count` results, or all. Does not leave: the consumer asks for no more. */
export async function pull<T>(results: AsyncIterable<T>, count = Infinity): Promise<T[]> {
  const iterator = results[Symbol.asyncIterator]()
  const pulled: T[] = []
  while (pulled.length < count) {
    const step = await iterator.next()
    if (step.done === true) break
    pulled.push(step.value)
  }
  return pulled
}

/**
 * Results, which no chunk size may change; `inOrder: false`: but for their order, where several
 * sources are read in turn, chunk by chunk.
 */
export async function resultsOf<O>(
  stream: StreamOf<O>,
  { inOrder = true }: { inOrder?: boolean } = {},
): Promise<O[]> {
  const all: O[][] = []
  for (const chunkSize of [1, 2, 3, 1024]) {
    const job = await run(stream, { chunkSize })
    all.push(await pull(job))
    await job.close()
  }
  const told = (results: readonly O[]) => (inOrder ? results : [...results].sort())
  for (const results of all) expect(told(results)).toEqual(told(all[0] ?? []))
  return all[0] ?? []
}

/** Results before an error, and the error's code, message and cause. */
export async function pullToError(results: AsyncIterable<unknown>) {
  const pulled: unknown[] = []
  try {
    for await (const result of results) pulled.push(result)
  } catch (error) {
    return { pulled, ...errorOf(error) }
  }
  throw new Error("expected an error, but the results ended")
}

interface Told {
  readonly code: ErrorCode
  readonly message: string
  readonly cause: unknown
}

export function errorOf(error: unknown): Told {
  if (!(error instanceof MillraceError)) throw error
  return { code: error.code, message: error.message, cause: error.cause }
}

/** The error of a call that must be refused. */
export async function errorFrom(run: () => Promise<unknown>): Promise<Told> {
  try {
    await run()
  } catch (error) {
    return errorOf(error)
  }
  throw new Error("expected an error, but the call returned")
}

/** What {@link handFed} gives. */
export interface HandFed<T> extends AsyncIterable<T> {
  /** How often it was asked for an event, and how often it was left. */
  readonly asked: number
  readonly left: number
  give(...events: T[]): void
  end(): void
}

/** An async source that is fed by hand, and counts how often it was left. */
export function handFed<T>(): HandFed<T> {
  const ready: IteratorResult<T, undefined>[] = []
  const waiting: ((step: IteratorResult<T, undefined>) => void)[] = []
  const source = {
    asked: 0,
    left: 0,
    give(...events: T[]) {
      for (const value of events) put({ done: false, value })
    },
    end: () => put({ done: true, value: undefined }),
    [Symbol.asyncIterator]() {
      return {
        next() {
          source.asked++
          const step = ready.shift()
          if (step !== undefined) return Promise.resolve(step)
          return new Promise<IteratorResult<T, undefined>>((resolve) => waiting.push(resolve))
        },
        return() {
          source.left++
          return Promise.resolve({ done: true as const, value: undefined })
        },
      }
    },
  }
  function put(step: IteratorResult<T, undefined>): void {
    const first = waiting.shift()
    if (first === undefined) ready.push(step)
    else first(step)
  }
  return source
}

/** A source of numbers 0 .. count - 1 with positions, in steps of these sizes, again and again. */
export function numbered(count: number, ...sizes: number[]): Replayable<number, number> {
  return {
    async *read(position = 0) {
      for (let at = position, i = 0; at < count; i++) {
        const upto = Math.min(at + (sizes[i % sizes.length] ?? 1), count)
        yield { events: Array.from({ length: upto - at }, (_, k) => at + k), position: upto }
        at = upto
      }
    },
  }
}

/** Every key and value of a storage, for comparing bytes. */
export async function contents(storage: StateStorage): Promise<Record<string, string>> {
  const keys = await storage.list("")
  const values = await Promise.all(keys.map((key) => storage.get(key)))
  return Object.fromEntries(
    keys.map((key, i) => [key, Buffer.from(values[i] ?? []).toString("hex")]),
  )
}

/** A storage that notes whether it was closed. */
export function closable(storage: StateStorage): StateStorage & { closed: number } {
  const wrapped = {
    ...storage,
    closed: 0,
    async close() {
      wrapped.closed++
    },
  }
  return wrapped
}

/** The storage with its four methods alone: a manifest is written by `set`, without a fence. */
export function fourMethods(storage: StateStorage): StateStorage {
  return {
    get: (key) => storage.get(key),
    set: (key, value) => storage.set(key, value),
    delete: (key) => storage.delete(key),
    list: (prefix, options) => storage.list(prefix, options),
  }
}

/** The manifests of checkpoints of the job "job", without claims. */
export async function manifestsIn(storage: Pick<StateStorage, "list">): Promise<string[]> {
  const keys = await storage.list("job/manifest/")
  return keys.filter((key) => /\/\d+$/.test(key))
}
