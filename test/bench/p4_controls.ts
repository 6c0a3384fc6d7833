/**
 * RS2's workloads in plain JavaScript, as a good programmer would write each of them: with no more
 * state, time or bound than its result needs.
 */
import { chunksOf } from "./data.ts"
import { gapMs, limitOf, noTotals, perMs, rememberMs, summaryOf, together } from "./p4_events.ts"
import type { Totals, UserEvent } from "./p4_events.ts"

export async function map(events: UserEvent[]): Promise<string[]> {
  const state = new Map<string, Totals>()
  const results: string[] = []
  for await (const chunk of chunksOf(events)) {
    for (const event of chunk) {
      let totals = state.get(event.userId)
      if (totals === undefined) state.set(event.userId, (totals = noTotals()))
      totals.count += 1
      totals.sum += event.value
      totals.lastValue = event.value
      results.push(`processed_${event.id}_${totals.count}`)
    }
  }
  return results
}

/** A `Map` gives its keys in the order in which they were set: enough for an LRU. */
export async function bounded(events: UserEvent[], maxSize: number): Promise<string[]> {
  const state = new Map<string, Totals>()
  const results: string[] = []
  for await (const chunk of chunksOf(events)) {
    for (const event of chunk) {
      let totals = state.get(event.userId)
      if (totals === undefined) {
        totals = noTotals()
        if (state.size === maxSize) state.delete(state.keys().next().value!)
      } else state.delete(event.userId)
      state.set(event.userId, totals)
      totals.count += 1
      totals.sum += event.value
      totals.lastValue = event.value
      results.push(`processed_${event.id}_${totals.count}`)
    }
  }
  return results
}

interface Frequency {
  count: number
  start: number
}

export async function filter(events: UserEvent[]): Promise<UserEvent[]> {
  const state = new Map<string, Frequency>()
  const results: UserEvent[] = []
  for await (const chunk of chunksOf(events)) {
    for (const event of chunk) {
      const { userId, timestamp } = event
      let window = state.get(userId)
      if (window === undefined) state.set(userId, (window = { count: 0, start: timestamp }))
      if (timestamp - window.start > 300) {
        window.count = 1
        window.start = timestamp
      } else window.count += 1
      if (window.count <= 5) results.push(event)
    }
  }
  return results
}

/** Of fold and reduce: a copy of the state for every event. */
export async function copying(events: UserEvent[]): Promise<Totals[]> {
  const state = new Map<string, Totals>()
  const results: Totals[] = []
  for await (const chunk of chunksOf(events)) {
    for (const { userId, value } of chunk) {
      let totals = state.get(userId)
      if (totals === undefined) state.set(userId, (totals = noTotals()))
      totals.count += 1
      totals.sum += value
      totals.lastValue = value
      const { count, sum, lastValue, windowData } = totals
      results.push({ count, sum, lastValue, windowData: windowData.slice() })
    }
  }
  return results
}

export async function deduplicate(events: UserEvent[]): Promise<UserEvent[]> {
  const passedMs = new Map<string, number>()
  const results: UserEvent[] = []
  for await (const chunk of chunksOf(events)) {
    const now = Date.now()
    for (const event of chunk) {
      if (now - (passedMs.get(event.userId) ?? -Infinity) < rememberMs) continue
      passedMs.set(event.userId, now)
      results.push(event)
    }
  }
  return results
}

/** The times at which events passed; those that still count begin at `first`. */
interface Passes {
  times: number[]
  first: number
}

export async function throttle(events: UserEvent[]): Promise<UserEvent[]> {
  const limit = limitOf(events)
  const state = new Map<string, Passes>()
  const results: UserEvent[] = []
  for await (const chunk of chunksOf(events)) {
    const now = Date.now()
    for (const event of chunk) {
      let passes = state.get(event.userId)
      if (passes === undefined) state.set(event.userId, (passes = { times: [], first: 0 }))
      const { times } = passes
      while (passes.first < times.length && times[passes.first]! <= now - perMs) passes.first++
      if (times.length - passes.first >= limit) continue
      times.push(now)
      results.push(event)
    }
  }
  return results
}

export async function storage(events: UserEvent[]): Promise<string[]> {
  const state = new Map<string, number>()
  const results: string[] = []
  for await (const chunk of chunksOf(events)) {
    for (const { id, userId } of chunk) {
      const count = (state.get(userId) ?? 0) + 1
      state.set(userId, count)
      results.push(`processed_${id}_${count}`)
    }
  }
  return results
}

/** Of windows and of groups: the events of a key, when there are enough of them. */
export async function gather(events: UserEvent[]): Promise<string[]> {
  const gathered = new Map<string, UserEvent[]>()
  const results: string[] = []
  for await (const chunk of chunksOf(events)) {
    for (const event of chunk) {
      let group = gathered.get(event.userId)
      if (group === undefined) gathered.set(event.userId, (group = []))
      group.push(event)
      if (group.length < together) continue
      results.push(summaryOf(group))
      gathered.delete(event.userId)
    }
  }
  return results
}

interface Session {
  last: number
  count: number
}

/** No session ends. */
export async function session(events: UserEvent[]): Promise<UserEvent[]> {
  const open = new Map<string, Session>()
  const results: UserEvent[] = []
  for await (const chunk of chunksOf(events)) {
    const now = Date.now()
    for (const event of chunk) {
      const session = open.get(event.userId)
      if (session === undefined || now - session.last > gapMs) {
        open.set(event.userId, { last: now, count: 1 })
      } else {
        session.last = now
        session.count += 1
      }
      results.push(event)
    }
  }
  return results
}
