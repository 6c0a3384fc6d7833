/** The figures in large type. */
import { byId, write } from "../dom.ts"
import { digits, mebibytes } from "../format.ts"
import type { View } from "../messages.ts"

export function figuresPanel() {
  const [rate, memory, closed, alerts, late, checkpoints, last] = [
    ...["rate", "memory", "closed-count", "alert-count", "late-count"],
    ...["checkpoint-count", "checkpoint-last"],
  ].map((id) => byId(id, HTMLElement)) as [HTMLElement, HTMLElement, HTMLElement, ...HTMLElement[]]

  return (view: View, perSecond: number): void => {
    const { completed, lastMs, lastBytes } = view.checkpoints
    write(rate, digits(perSecond))
    write(memory, mebibytes(view.memoryBytes))
    write(closed, digits(view.closed.count))
    write(alerts as HTMLElement, digits(view.alerts.count))
    write(late as HTMLElement, digits(view.late.count))
    write(checkpoints as HTMLElement, digits(completed))
    const size = `${digits(lastBytes / 1024)} KiB in ${digits(lastMs)} ms`
    write(last as HTMLElement, completed === 0 ? "–" : size)
  }
}
