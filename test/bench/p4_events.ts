/**
 * The input and the results of RS2's workloads; peers/rs2 makes the same in Rust.
 */
import { OrderedDigest } from "./digest.ts"

/** RS2's test event. */
export interface UserEvent {
  id: number
  userId: string
  value: number
  timestamp: number
  category: string
}

/** RS2's test state. */
export interface Totals {
  count: number
  sum: number
  lastValue: number
  windowData: number[]
}

/** A result of any of the workloads. */
export type Result = string | UserEvent | Totals

export const users = 100

/** The input of a job, every key a new string; RS2's generator makes the same. */
export function userEvents(count: number, unique = false): UserEvent[] {
  const categories = Array.from({ length: unique ? 1000 : 10 }, (_, index) => `cat_${index}`)
  const userIds = newStrings(Array.from({ length: count }, (_, id) => (unique ? id : id % users)))
  return userIds.map((userId, id) => ({
    id,
    userId,
    value: id * 1.5,
    timestamp: id,
    category: categories[id % categories.length]!,
  }))
}

/** `user_` and the number, as strings that nobody has hashed. */
function newStrings(numbers: readonly number[]): string[] {
  const texts = numbers.map((number) => `user_${number}`)
  const bytes = Buffer.from(texts.join(""), "latin1")
  let end = 0
  return texts.map(({ length }) => bytes.toString("latin1", end, (end += length)))
}

/** The state before the first event. */
export const noTotals = (): Totals => ({ count: 0, sum: 0, lastValue: 0, windowData: [] })

/** Of the results of a workload, in order. */
export function digestOf(results: readonly Result[]): number {
  const digest = new OrderedDigest()
  for (const result of results) {
    if (typeof result === "string") digest.text(result)
    else if ("id" in result) digest.number(result.id)
    else {
      digest.number(result.count)
      digest.number(result.sum)
      digest.number(result.lastValue)
    }
  }
  return digest.value
}

/** How long a key is remembered by deduplicate. */
export const rememberMs = 60_000

/** As many per second as a user sends, and at least 100, as published: RS2 would wait for more. */
export const limitOf = (events: UserEvent[]) => Math.max(100, Math.ceil(events.length / users))
export const perMs = 1000

/** How long a session's key may be silent. */
export const gapMs = 1_800_000

/** Events of a window, and of a group; a user sends a multiple of it. */
export const together = 10

/** What is told of the events of a window, or of a group. */
export function summaryOf(events: readonly UserEvent[]): string {
  const sum = events.reduce((sum, { value }) => sum + value, 0)
  return `${events[0]!.id}_${events.length}_${sum}`
}
