/**
 * Reports as tables of at most so many columns.
 */
import { jsonOf, printable } from "./plain.ts"
import { table } from "./table.ts"
import type { FolderReport, JobReport } from "./folder.ts"
import type { Damage, FlowReport, SavepointReport } from "./savepoint.ts"
import type { ShownRows, StateReport } from "./states.ts"

export type Report = SavepointReport | FolderReport

/** What there is to say of a report, for a terminal of so many columns. */
export function textOf(report: Report, columns: number): string {
  const parts = report.is === "savepoint" ? savepoint(report, columns) : folder(report, columns)
  return `${[...parts, ...damageOf(report.damage)].join("\n")}\n`
}

function savepoint({ name, format, bytes, flow, shown }: SavepointReport, columns: number) {
  const head = `${printable(name)}: a savepoint of format ${format}, ${sizeOf(bytes)}`
  if (shown !== undefined) return [head, "", ...rowsOf(shown, columns)]
  return [head, ...(flow === undefined ? [] : flowOf(flow, columns))]
}

function folder(report: FolderReport, columns: number): string[] {
  const { name, holder, files, bytes, leftOver, ofOthers, jobs } = report
  const head = `${printable(name)}: a folder of state, ${countOf(files, "file")}, ${sizeOf(bytes)}`
  const notes = [
    ...(holder === undefined ? [] : [heldBy(holder)]),
    ...(leftOver === 0 ? [] : [`of no checkpoint, left over: ${countOf(leftOver, "file")}`]),
    ...(ofOthers === 0 ? [] : [`of jobs with checkpoints elsewhere: ${countOf(ofOthers, "file")}`]),
    ...(jobs.length > 0 ? [] : ["there are no checkpoints"]),
  ]
  return [head, ...notes, ...jobs.flatMap((job) => ["", ...jobOf(job, columns)])]
}

function heldBy({ pid, running }: NonNullable<FolderReport["holder"]>): string {
  if (pid === undefined) return "locked by nobody knows whom: the lock cannot be read"
  return `locked by process ${pid}, which ${running ? "is running" : "is gone"}`
}

function jobOf(report: JobReport, columns: number): string[] {
  const { job, owner, checkpoints, epoch, elsewhere, flow, shown } = report
  if (shown !== undefined) return [`job ${job}`, "", ...rowsOf(shown, columns)]
  const goesOn = epoch === undefined ? "none is whole" : `it goes on from ${epoch}`
  const rows = checkpoints.map(({ epoch, whole, owner, sequence, segments, bytes }) => [
    ...[`${epoch}`, whole ? "whole" : "DAMAGED", digits(owner), digits(sequence)],
    ...[digits(segments), sizeOf(bytes)],
  ])
  const heads = ["checkpoint", "", "owner", "events", "segments", "size"]
  return [
    `job ${job}, owner ${digits(owner)}: ${countOf(checkpoints.length, "checkpoint")}; ${goesOn}`,
    table(heads, rows, "rlrrrr", columns),
    ...(flow === undefined ? [] : ["", ...flowOf(flow, columns)]),
    ...(elsewhere === 0 ? [] : [`in storages of their own: ${countOf(elsewhere, "segment")}`]),
  ]
}

function flowOf(flow: FlowReport, columns: number): string[] {
  const { sequence, finished, complete, sources, states, watermarks = [] } = flow
  const over = [...(flow.over ?? []), ...(flow.ended ?? [])]
  const how = finished ? "to the end" : complete ? "nothing more will come" : "so far"
  const read = sources.map(({ uid, position, timeMax, watermark }) => {
    const { offset = 0, position: at, ...rest } = { ...position } as Readonly<Record<string, never>>
    const shown: unknown = at ?? (Object.keys(rest).length > 0 ? rest : undefined)
    return [
      uid,
      shown === undefined ? "" : jsonOf(shown),
      digits(offset),
      timeOf(timeMax),
      timeOf(watermark),
    ]
  })
  const joined = watermarks.map(({ uid, watermark }) => [uid, "", "", "", timeOf(watermark)])
  return [
    `${countOf(sequence, "event")} read, ${how}`,
    ...(over.length > 0 ? [`over: ${over.map(printable).join(", ")}`] : []),
    "",
    table(
      ["source", "position", "offset", "max time", "watermark"],
      [...read, ...joined],
      "llrrr",
      columns,
    ),
    "",
    ...statesOf(states, columns),
  ]
}

function statesOf(states: readonly StateReport[], columns: number): string[] {
  if (states.length === 0) return ["no operator has state"]
  const chains = states.some(({ segments }) => segments > 1)
  const rows = states.map(({ path, kind, holds, ttl, version, rows, timers, segments, bytes }) => {
    const more = [ttl ? "ttl" : "", version > 1 ? `version ${version}` : ""]
    const what = [holds.join(", "), ...more].filter((text) => text !== "").join("; ")
    const counts = [digits(rows), timers === 0 ? "" : digits(timers)]
    return [path, kind, what, ...counts, ...(chains ? [digits(segments)] : []), sizeOf(bytes)]
  })
  const heads = [
    "state",
    "kind",
    "holds",
    "rows",
    "timers",
    ...(chains ? ["segments"] : []),
    "size",
  ]
  return [table(heads, rows, "lllrrrr", columns)]
}

function rowsOf({ path, rows, count }: ShownRows, columns: number): string[] {
  const some = rows.length < count ? `the first ${digits(rows.length)} of ` : ""
  const title = `${printable(path)}: ${some}${countOf(count, "row")}`
  const parts = (["entry", "value", "timer"] as const).filter((part) =>
    rows.some((row) => part in row),
  )
  const cells = rows.map((row) => [
    jsonOf(row.key),
    ...parts.map((part) => {
      if (!(part in row)) return ""
      return part === "timer" ? timeOf(row.timer) : jsonOf(row[part])
    }),
  ])
  const aligns = `l${parts.map((part) => (part === "timer" ? "r" : "l")).join("")}`
  return rows.length === 0 ? [title] : [title, table(["key", ...parts], cells, aligns, columns)]
}

function damageOf(damage: readonly Damage[]): string[] {
  if (damage.length === 0) return []
  return ["", ...damage.map(({ what, why }) => printable(`CORRUPT ${what}: ${why}`))]
}

// ---- cells ----

const grouped = new Intl.NumberFormat("en-GB")
const digits = (value: number | undefined) => (value === undefined ? "" : grouped.format(value))

const countOf = (count: number, what: string) => `${digits(count)} ${what}${count === 1 ? "" : "s"}`

function sizeOf(bytes: number): string {
  if (bytes < 10_000) return `${digits(bytes)} B`
  if (bytes < 10_000 * 1024) return `${digits(Math.round(bytes / 1024))} KiB`
  return `${digits(Math.round(bytes / 2 ** 20))} MiB`
}

/** Times of a calendar as such; others, as of a test that counts from 0, are numbers. */
function timeOf(ms: number | undefined): string {
  if (ms === undefined || ms === -Infinity) return ""
  const isDate = Math.abs(ms) >= 1e11 && Math.abs(ms) <= 8.64e15
  return isDate ? new Date(ms).toISOString() : digits(ms)
}
