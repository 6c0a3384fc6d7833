/**
 * Async iterables and web streams: events come one promise at a time and are gathered into what is
 * ready at once, so that one slow event is not held back and a thousand quick ones make one chunk.
 */
import { macrotask } from "../time/macrotask.ts"
import { readOnce, sourceError, startReading } from "./source.ts"
import type { OpenReader, Reader } from "./source.ts"

interface Pull {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>
  stop(): unknown
}

export function openAsync(source: AsyncIterable<unknown>): OpenReader {
  return (_, wake) => {
    const iterator = startReading(() => source[Symbol.asyncIterator]())
    if ((iterator as unknown) === source || isNodeStream(source)) readOnce(source)
    return asyncReader({ next: () => iterator.next(), stop: () => iterator.return?.() }, wake)
  }
}

export function openStream(source: ReadableStream<unknown>): OpenReader {
  return (_, wake) => {
    readOnce(source, source.locked)
    const reader = startReading(() => source.getReader())
    return asyncReader({ next: () => reader.read(), stop: () => reader.cancel() }, wake)
  }
}

/** A Node stream gives a new iterator each time, but its data only once. */
function isNodeStream(source: object): boolean {
  return "pipe" in source && typeof source.pipe === "function"
}

/** Events that came and were not polled yet; the most is what the last poll asked for. */
function asyncReader(pull: Pull, wake: () => void): Reader {
  let events: unknown[] = []
  let wanted = 0
  let pulling = false
  let over = false
  let failed: { readonly error: unknown } | undefined

  /** Pull until there are as many as wanted; what is there after a turn is news. */
  async function gather(): Promise<void> {
    pulling = true
    let announced = false
    try {
      while (!over && events.length < wanted) {
        const step = await pull.next()
        if (step.done === true) over = true
        else events.push(step.value)
        if (!announced) {
          announced = true
          macrotask(() => {
            announced = false
            wake()
          })
        }
      }
    } catch (error) {
      failed = { error }
    }
    pulling = false
    wake()
  }

  return {
    poll(max) {
      const ready = events
      if (ready.length > 0) {
        events = []
        return ready
      }
      if (failed !== undefined) throw sourceError(failed.error)
      if (over) return undefined
      wanted = max
      if (!pulling) void gather()
      return []
    },
    saved: () => undefined,
    close() {
      if (over || failed !== undefined) return
      over = true
      // Not awaited: a source that never gives its next event would hold us for ever.
      void settle(pull)
    },
  }
}

async function settle(pull: Pull): Promise<void> {
  try {
    await pull.stop()
  } catch {
    // The job is over; nobody is left to tell.
  }
}
