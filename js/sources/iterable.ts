/**
 * Arrays and other synchronous iterables. An array is positioned by index; another iterable is
 * read once if its iterator is itself, as a generator's is.
 */
import { consumed, sourceError } from "./source.ts"
import type { OpenReader, Reader } from "./source.ts"

export function openIterable(source: Iterable<unknown>): OpenReader {
  if (Array.isArray(source)) return (from) => arrayReader(source, from?.offset ?? 0)
  let opened = false
  return () => {
    const iterator = source[Symbol.iterator]()
    const once = (iterator as unknown) === source
    if (once && opened) throw consumed()
    opened = true
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
  return {
    poll(max) {
      if (over) return undefined
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
        over = true
        if (events.length === 0) throw sourceError(error)
        return failAfter(events, this, error)
      }
      return events.length === 0 ? undefined : events
    },
    saved: () => undefined,
    close() {
      if (!over) iterator.return?.()
      over = true
    },
  }
}

/** Give the events before the error first; the next poll throws. */
function failAfter(events: readonly unknown[], reader: Reader, error: unknown): readonly unknown[] {
  reader.poll = () => {
    throw sourceError(error)
  }
  return events
}
