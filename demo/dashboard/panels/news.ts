/** Tells who does not see the page of alerts: now and then, as there may be many. */
import { byId, write } from "../dom.ts"
import { digits } from "../format.ts"
import type { View } from "../messages.ts"

const everyMs = 5000

export function newsPanel() {
  const news = byId("alert-news", HTMLElement)
  let [told, toldMs] = [NaN, -Infinity]

  return ({ alerts }: View, nowMs: number): void => {
    if (Number.isNaN(told) || alerts.count < told) told = alerts.count // Those are not news.
    const [last] = alerts.last
    if (last === undefined || alerts.count === told || nowMs - toldMs < everyMs) return
    write(news, `${digits(alerts.count - told)} new alerts, the last of ${last.origin}`)
    told = alerts.count
    toldMs = nowMs
  }
}
