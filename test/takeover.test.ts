/** Account take-over, found by a pattern and by plain code. */
import { expect, it } from "vitest"
import { alertsOf } from "../demo/takeover/alerts.ts"
import { loginsOf } from "../demo/takeover/logins.ts"
import type { Login } from "../demo/takeover/logins.ts"
import { linesOf } from "./data.ts"

const minuteMs = 60_000

/** Accepted logins with at least three failures of their address in less than ten minutes. */
function plain(logins: readonly Login[]): unknown[] {
  const alerts: unknown[] = []
  const failures = new Map<string, number[]>()
  for (const { outcome, address, user, at } of logins) {
    const failed = failures.get(address) ?? []
    if (outcome === "failed") {
      failures.set(address, [...failed, at])
      continue
    }
    const near = failed.filter((time) => at - time < 10 * minuteMs)
    if (near.length < 3) continue
    alerts.push({ address, user, failures: near.length, from: near[0], at })
    failures.delete(address) // They are taken.
  }
  return alerts
}

const line = (minute: number, text: string) =>
  `Apr  1 10:${String(minute).padStart(2, "0")}:00 host sshd[7]: ${text}`
const failed = (minute: number, address: string) =>
  line(minute, `Failed password for invalid user ada from ${address} port 4 ssh2`)
const accepted = (minute: number, address: string) =>
  line(minute, `Accepted publickey for ada from ${address} port 5 ssh2: RSA SHA256:x`)

it("needs three failures of one address within ten minutes of the login", async () => {
  const lines = [
    ...[0, 1, 2].map((minute) => failed(minute, "near")),
    ...[0, 1, 3].map((minute) => failed(minute, "far")),
    ...[3, 4].map((minute) => failed(minute, "few")),
    line(5, "message repeated 3 times: [ Failed password for root from again port 4 ssh2]"),
    line(6, "Connection closed by near [preauth]"),
    accepted(7, "near"),
    accepted(8, "near"),
    accepted(8, "few"),
    accepted(9, "again"),
    accepted(10, "far"), // 10:00 is ten minutes ago: one too few.
  ]
  const logins = [...loginsOf(lines, 2014)]
  const alerts = await alertsOf(logins)
  expect(alerts.map(({ address, failures }) => [address, failures])).toEqual([
    ["near", 3],
    ["again", 3],
  ])
  expect(alerts).toEqual(plain(logins))
  expect(alerts[0]?.at).toBe(Date.UTC(2014, 3, 1, 10, 7))
})

it("finds in a real log what plain code does", async ({ skip }) => {
  const logins = [...loginsOf(linesOf("elastic_auth.log", skip), 2014)]
  expect(logins.length).toBeGreaterThan(1000)
  const alerts = await alertsOf(logins)
  expect(alerts).toEqual(plain(logins))
  expect(alerts).toHaveLength(2)
})
