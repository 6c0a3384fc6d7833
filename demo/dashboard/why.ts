/**
 * Why a key is as it is: what each operator keeps of it and waits for, in words for the page.
 */
import type { JobBase, OperatorExplanation, WindowExplanation } from "millrace"
import { brief, hour, shortDay } from "./format.ts"
import type { WhyLine } from "./messages.ts"

/** So many windows of an operator are told one by one. */
const windowsMax = 3

/** What operators have of the key; those that have nothing are left out. */
export function whyOf(job: JobBase, key: string): WhyLine[] {
  const { operators } = job.explain(key)
  return Object.entries(operators).flatMap(([operator, told]) => {
    const keeps = [...statesOf(told), ...windowsOf(told.windows), ...eventsOf(told)]
    return keeps.length === 0 ? [] : [{ operator, watermark: when(told.watermark), keeps }]
  })
}

function statesOf({ states }: OperatorExplanation): string[] {
  const kept = Object.entries(states).filter(([, { rows }]) => rows > 0)
  return kept.map(([name, { value }]) => [name, brief(value)].join(" ").trim())
}

function windowsOf(windows: readonly WindowExplanation[]): string[] {
  const told = windows.slice(0, windowsMax).map(({ start, end, contents, waitsFor, untilMs }) => {
    const until = untilMs === undefined ? "" : ` until ${when(untilMs)}`
    return `${when(start)} to ${when(end)}: ${brief(contents)}; waits for ${waitsFor}${until}`
  })
  const rest = windows.length - told.length
  return rest > 0 ? [...told, `and ${rest} windows more`] : told
}

function eventsOf({ buffered, matches }: OperatorExplanation): string[] {
  const waiting = buffered.length > 0 ? [`${buffered.length} events wait for their time`] : []
  const begun = matches.length > 0 ? [`${matches.length} events of matches that have begun`] : []
  return [...waiting, ...begun]
}

const when = (timeMs = NaN) =>
  Number.isFinite(timeMs) ? `${shortDay(timeMs)}, ${hour(timeMs)}` : "the end"
