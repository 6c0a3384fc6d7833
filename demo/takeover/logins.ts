/**
 * The logins in a log of sshd, as syslog has it: lines without a year, in UTC.
 *
 *     Mar 29 20:01:02 host sshd[7]: Failed password for root from 10.0.0.7 port 4 ssh2
 *     Mar 29 20:01:09 host sshd[7]: message repeated 2 times: [ Failed password for … ]
 *     Mar 29 20:02:00 host sshd[9]: Accepted publickey for ada from 10.0.0.7 port 5 ssh2: …
 */

/** Somebody tried to log in. */
export interface Login {
  readonly outcome: "failed" | "accepted"
  readonly user: string
  readonly address: string
  /** When, ms. */
  readonly at: number
}

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"
const head = /^([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d) \S+ sshd\[\d+\]: (.*)$/
const repeated = /^message repeated (\d+) times: \[ (.*)\]$/
const login = /^(Failed|Accepted) \S+ for (?:invalid user )?(.*) from (\S+) port \d+/

/** A message of the log may stand for several logins that were alike; most stand for none. */
export function* loginsOf(lines: Iterable<string>, year: number): Generator<Login> {
  for (const line of lines) {
    const [, month = "", day, hour, minute, second, message = ""] = head.exec(line) ?? []
    const [, times = "1", text = message] = repeated.exec(message) ?? []
    const [, outcome, user = "", address = ""] = login.exec(text) ?? []
    if (outcome === undefined) continue
    const [days, hours, minutes, seconds] = [day, hour, minute, second].map(Number)
    const at = Date.UTC(year, months.indexOf(month) / 3, days, hours, minutes, seconds)
    const one: Login = { outcome: outcome === "Failed" ? "failed" : "accepted", user, address, at }
    for (let left = Number(times); left > 0; left--) yield one
  }
}
