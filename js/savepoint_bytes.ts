/**
 * The bytes that a savepoint is read from: all at once, or a stream of them.
 */
import { MillraceError, typeName } from "./errors.ts"
import type { Check } from "./options.ts"
import { damaged } from "./savepoint_format.ts"
import type { Bytes } from "./savepoint_format.ts"

/** What `run({ from })` takes: bytes, or a stream of them. */
export type SavepointSource =
  Uint8Array | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** The option that takes it. */
export const savepointSource: Check<SavepointSource> = (given, name) => {
  if (given instanceof Uint8Array) return given
  const marks = [Symbol.asyncIterator, Symbol.iterator, "getReader"]
  const isStream = typeof given === "object" && given !== null
  if (isStream && marks.some((mark) => mark in given)) return given as SavepointSource
  const wanted = "a savepoint: bytes, or a stream of them"
  throw new MillraceError("OPTION", `${name} must be ${wanted}, not ${typeName(given)}`)
}

/** Something to take bytes from; `close` lets go of the stream. */
export class SavepointBytes implements Bytes {
  readonly #next: () => Promise<Uint8Array | undefined>
  readonly #stop: () => Promise<unknown>
  #waiting: Uint8Array[] = []
  #size = 0
  taken = 0

  constructor(source: SavepointSource) {
    const { next, stop } = readerOf(source)
    this.#next = async () => checked(await asked(next))
    this.#stop = stop
  }

  async take(size: number): Promise<Uint8Array> {
    while (this.#size < size) {
      const more = await this.#next()
      if (more === undefined) throw damaged(`which ends at byte ${this.taken + this.#size}`)
      this.#waiting.push(more)
      this.#size += more.length
    }
    const all = this.#waiting.length === 1 ? (this.#waiting[0] as Uint8Array) : this.#joined()
    this.#waiting = [all.subarray(size)]
    this.#size -= size
    this.taken += size
    return all.subarray(0, size)
  }

  async end(): Promise<void> {
    const tooLong = `which should end at byte ${this.taken}`
    if (this.#size > 0) throw damaged(tooLong)
    for (let more = await this.#next(); more !== undefined; more = await this.#next()) {
      if (more.length > 0) throw damaged(tooLong)
    }
  }

  async close(): Promise<void> {
    try {
      await this.#stop()
    } catch {
      // What there was to read is read, or of no use.
    }
  }

  #joined(): Uint8Array {
    const all = new Uint8Array(this.#size)
    let at = 0
    for (const each of this.#waiting) {
      all.set(each, at)
      at += each.length
    }
    return all
  }
}

interface Pull {
  readonly next: () => Promise<IteratorResult<unknown>> | IteratorResult<unknown>
  readonly stop: () => Promise<unknown>
}

/** Not every browser's streams can be iterated. */
function readerOf(source: SavepointSource): Pull {
  if (source instanceof Uint8Array) return readerOf([source])
  if ("getReader" in source) {
    const reader = source.getReader()
    const next = async (): Promise<IteratorResult<unknown>> => {
      const { done, value } = await reader.read()
      return done ? { done: true, value: undefined } : { done: false, value }
    }
    return { next, stop: () => reader.cancel() }
  }
  const iterator =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  return { next: () => iterator.next(), stop: async () => iterator.return?.() }
}

async function asked(next: Pull["next"]): Promise<IteratorResult<unknown>> {
  try {
    return await next()
  } catch (cause) {
    throw new MillraceError("STORAGE", "could not read the savepoint; see cause", { cause })
  }
}

function checked({ done, value }: IteratorResult<unknown>): Uint8Array | undefined {
  if (done === true) return undefined
  if (value instanceof Uint8Array) return value
  const message = `run.from must give bytes as Uint8Array, not ${typeName(value)}`
  throw new MillraceError("OPTION", message)
}
