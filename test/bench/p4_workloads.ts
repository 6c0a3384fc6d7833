/**
 * RS2's workloads as jobs of Millrace, each with its control in plain JavaScript.
 *
 * peers/rs2/src/workloads.rs has the same on RS2.
 */
import { countWindow, from, StateConfigs, type Stream } from "millrace"
import * as plain from "./p4_controls.ts"
import { gapMs, limitOf, noTotals, perMs, rememberMs, summaryOf, together } from "./p4_events.ts"
import type { Result, Totals, UserEvent } from "./p4_events.ts"

type Results = Stream<string> | Stream<UserEvent> | Stream<Totals>

/** One of them. */
export interface Workload {
  name: string
  /** Does every event have a user of its own? Else there are a hundred. */
  unique?: boolean
  job: (events: UserEvent[]) => Results
  control: (events: UserEvent[]) => Promise<Result[]>
}

const session = StateConfigs.session()
const { maxSize = Infinity } = session
const bounded = (events: UserEvent[]) => plain.bounded(events, maxSize)

/** What all kinds of map do with an event and the state of its key. */
function mapping(state: object) {
  return (events: UserEvent[]): Results =>
    from(events)
      .keyBy("userId")
      .map(
        (event, access) => {
          const totals = access.get()
          totals.count += 1
          totals.sum += event.value
          totals.lastValue = event.value
          access.set(totals)
          return `processed_${event.id}_${totals.count}`
        },
        { state: { ...state, value: noTotals } },
      )
}

/** The map without any bound; what a bound costs is measured beside it. */
export const unbounded = mapping({})

/** Of each user at most five events in 300 ms of event time. */
function filterJob(events: UserEvent[]): Results {
  return from(events)
    .keyBy("userId")
    .filter(
      ({ timestamp }, access) => {
        const window = access.get()
        if (window.count === 0 || timestamp - window.start > 300) {
          window.count = 1
          window.start = timestamp
        } else window.count += 1
        access.set(window)
        return window.count <= 5
      },
      { state: { ...session, value: () => ({ count: 0, start: 0 }) } },
    )
}

function foldJob(events: UserEvent[]): Results {
  const add = (totals: Totals, { value }: UserEvent) => {
    totals.count += 1
    totals.sum += value
    totals.lastValue = value
    return totals
  }
  return from(events).keyBy("userId").fold(noTotals, add, { state: session })
}

function reduceJob(events: UserEvent[]): Results {
  const add = ({ count, sum, windowData }: Totals, { value }: UserEvent) => ({
    count: count + 1,
    sum: sum + value,
    lastValue: value,
    windowData,
  })
  return from(events).keyBy("userId").reduce(add, noTotals, { state: session })
}

function deduplicateJob(events: UserEvent[]): Results {
  return from(events).keyBy("userId").deduplicate({ ttl: rememberMs, state: session })
}

function throttleJob(events: UserEvent[]): Results {
  const limit = limitOf(events)
  return from(events).keyBy("userId").throttle({ limit, per: perMs, state: session })
}

/** Reading and writing a number, with as little around it as there can be. */
function storageJob(events: UserEvent[]): Results {
  return from(events)
    .keyBy("userId")
    .map(
      ({ id }, access) => {
        const count = access.get() + 1
        access.set(count)
        return `processed_${id}_${count}`
      },
      { state: { ...session, value: () => 0 } },
    )
}

function windowJob(events: UserEvent[]): Results {
  return from(events).keyBy("userId").window(countWindow(together)).process(summaryOf)
}

function sessionJob(events: UserEvent[]): Results {
  const each = (event: UserEvent) => event
  const same: Stream<UserEvent> = from(events).keyBy("userId").session({ gap: gapMs }, each)
  return same
}

function groupJob(events: UserEvent[]): Results {
  return from(events)
    .keyBy("userId")
    .group({ maxSize: together }, (_, group) => summaryOf(group))
}

const workload = (name: string, job: Workload["job"], control: Workload["control"]) => ({
  name,
  job,
  control,
})

/** All of them, by the names that RS2's side knows. */
export const workloads: readonly Workload[] = [
  workload("map", mapping(session), plain.map),
  workload("filter", filterJob, plain.filter),
  workload("fold", foldJob, plain.copying),
  workload("reduce", reduceJob, plain.copying),
  workload("deduplicate", deduplicateJob, plain.deduplicate),
  workload("throttle", throttleJob, plain.throttle),
  workload("storage", storageJob, plain.storage),
  workload("window", windowJob, plain.gather),
  workload("session", sessionJob, plain.session),
  workload("group by", groupJob, plain.gather),
  { ...workload("unique keys", mapping(session), bounded), unique: true },
  workload("longLived()", mapping(StateConfigs.longLived()), plain.map),
  workload("ttl of 5 min", mapping({ ttl: "5m" }), plain.map),
]
