/**
 * Count and sum per key, a row per event, in the stream libraries of JavaScript: each as its own
 * documents would have it, and, where that groups, once more with one `Map` in a step of its own.
 */
import { Effect, Stream } from "effect"
import * as async from "ix/Ix.asynciterable"
import * as asyncOps from "ix/Ix.asynciterable.operators"
import * as sync from "ix/Ix.iterable"
import * as syncOps from "ix/Ix.iterable.operators"
import * as rx from "rxjs"
import { map, pipeline } from "streaming-iterables"
import type { Event } from "./data.ts"

/** A result: the totals of a key up to some event. */
export interface Row {
  key: string
  count: number
  sum: number
}

/** What looks at each result, and drops it: sums that do not depend on the order of keys. */
export class Tally {
  rows = 0
  mixed = 0

  add({ key, count, sum }: Row): void {
    this.rows += 1
    this.mixed += sum * count + key.charCodeAt(key.length - 1) * sum
  }
}

const none = (): Row => ({ key: "", count: 0, sum: 0 })

const plus = ({ count, sum }: Row, { key, value }: Event): Row => ({
  key,
  count: count + 1,
  sum: sum + value,
})

/** The step of those that keep one `Map` themselves. */
function steps(): (event: Event) => Row {
  const rows = new Map<string, Row>()
  return (event) => {
    const { key, value } = event
    const before = rows.get(key)
    const row =
      before === undefined
        ? { key, count: 1, sum: value }
        : { key, count: before.count + 1, sum: before.sum + value }
    rows.set(key, row)
    return row
  }
}

export async function rxGroupBy(events: Event[]): Promise<Tally> {
  const tally = new Tally()
  rx.from(events)
    .pipe(
      rx.groupBy(({ key }) => key),
      rx.mergeMap((group) => group.pipe(rx.scan(plus, none()))),
    )
    .subscribe((row) => tally.add(row))
  return tally
}

export async function rxScan(events: Event[]): Promise<Tally> {
  const tally = new Tally()
  const rows = new Map<string, Row>()
  rx.from(events)
    .pipe(
      rx.scan((_, { key, value }: Event) => {
        const before = rows.get(key)
        const count = (before?.count ?? 0) + 1
        const row = { key, count, sum: (before?.sum ?? 0) + value }
        rows.set(key, row)
        return row
      }, none()),
    )
    .subscribe((row) => tally.add(row))
  return tally
}

/** Groups are whole when the first comes, so they need not run side by side. */
export async function ixGroupBy(events: Event[]): Promise<Tally> {
  const tally = new Tally()
  const rows = async.from(events).pipe(
    asyncOps.groupBy(({ key }) => key),
    asyncOps.concatMap((group) => group.pipe(asyncOps.scan({ callback: plus, seed: none() }))),
  )
  for await (const row of rows) tally.add(row)
  return tally
}

/** The same over iterables that are not asynchronous: no stream, but quicker. */
export async function ixSyncGroupBy(events: Event[]): Promise<Tally> {
  const tally = new Tally()
  const rows = sync.from(events).pipe(
    syncOps.groupBy(({ key }) => key),
    syncOps.flatMap((group) => group.pipe(syncOps.scan({ callback: plus, seed: none() }))),
  )
  for (const row of rows) tally.add(row)
  return tally
}

export async function effectGroupByKey(events: Event[]): Promise<Tally> {
  const tally = new Tally()
  const rows = Stream.fromArray(events).pipe(
    Stream.groupByKey(({ key }) => key),
    Stream.flatMap(
      ([, group]) =>
        group.pipe(
          Stream.mapAccum(none, (before, event) => {
            const row = plus(before, event)
            return [row, [row]] as const
          }),
        ),
      { concurrency: "unbounded" },
    ),
  )
  return consume(rows, tally)
}

export async function effectMapAccum(events: Event[]): Promise<Tally> {
  const tally = new Tally()
  const rows = Stream.fromArray(events).pipe(
    Stream.mapAccum(steps, (step, event) => [step, [step(event)]] as const),
  )
  return consume(rows, tally)
}

async function consume(rows: Stream.Stream<Row>, tally: Tally): Promise<Tally> {
  const add = (rows: readonly Row[]) =>
    Effect.sync(() => {
      for (const row of rows) tally.add(row)
    })
  await Effect.runPromise(Stream.runForEachArray(rows, add))
  return tally
}

/** It has no grouping. */
export async function streamingIterables(events: Event[]): Promise<Tally> {
  const tally = new Tally()
  const rows = pipeline(() => events, map(steps()))
  for await (const row of rows) tally.add(row)
  return tally
}

/** No library at all. */
export async function plainLoop(events: Event[]): Promise<Tally> {
  const tally = new Tally()
  const step = steps()
  for (const event of events) tally.add(step(event))
  return tally
}
