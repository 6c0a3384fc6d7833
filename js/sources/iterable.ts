/**
 * Arrays and other synchronous iterables. An array is positioned by index; another iterable is
 * read once if its iterator is itself, as a generator's is.
 */
import { readOnce, sourceError, startReading } from "./source.ts"
import type { OpenReader, Reader } from "./source.ts"

export function openIterable(source: Iterable<unknown>): OpenReader {
  if (Array.isArray(source)) return (from) => arrayReader(source, from?.offset ?? 0)
  return () => {
    const iterator = startReading(() => source[Symbol.iterator]())
    if ((iterator as unknown) === source) readOnce(source)
    return iteratorReader(iterator)
  }
}

function arrayReader(source: readonly unknown[], start: number): Reader {
  let at = start
  return {
    poll(max) {
      if (at >= source.length) return undefined
      const events = source.slice(at, at + max)
      at += events.length
      return events
    },
    saved: () => ({ offset: at }),
    close: () => undefined,
  }
}

function iteratorReader(iterator: Iterator<unknown>): Reader {
  let over = false
  let failed: { readonly error: unknown } | undefined

  /** What comes before the end or an error, which the next poll tells. */
  function pull(max: number): readonly unknown[] {
    const events: unknown[] = []
    try {
      while (events.length < max) {
        const step = iterator.next()
        if (step.done === true) {
          over = true
          break
        }
        events.push(step.value)
      }
    } catch (error) {
      failed = { error }
    }
    return events
  }

  return {
    poll(max) {
      const events = over || failed !== undefined ? [] : pull(max)
      if (events.length > 0) return events
      if (failed !== undefined) throw sourceError(failed.error)
      return undefined
    },
    saved: () => undefined,
    close() {
      if (over || failed !== undefined) return
      over = true
      try {
        iterator.return?.()
      } catch {
        // The job is over; nobody is left to tell.
      }
    },
  }
}
