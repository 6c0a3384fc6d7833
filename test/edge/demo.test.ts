/** The demo's worker in workerd, flooded, and killed in the middle. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Miniflare } from "miniflare"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { startEdge } from "../../demo/edge/workerd.ts"

const limit = { LIMIT: 20, PER_SECONDS: 10, BURST: 10 } as const
const intervalMs = (limit.PER_SECONDS * 1000) / limit.LIMIT

/** The same worker, which also shows its table without a look at what is due, and loses it. */
const script = `
  import { Tenant as Demo } from "./worker.js"
  export { default } from "./worker.js"
  export class Tenant extends Demo {
    fetch(request) {
      const { sql } = this.ctx.storage
      if (request.url.endsWith("/drop")) return Response.json([...sql.exec("DROP TABLE counts")])
      if (!request.url.endsWith("/table")) return super.fetch(request)
      return Response.json([...sql.exec("SELECT outcome, requests FROM counts")])
    }
  }`

let folder: string
let worker: Miniflare
let origin: string

async function start(): Promise<void> {
  worker = startEdge({ folder, script, vars: { ...limit, COUNT_PER: "1s" } })
  origin = (await worker.ready).origin
}

/** End workerd as a power cut would, and start it again. */
async function kill(): Promise<void> {
  await worker.dispose()
  await start()
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-edge-"))
  await start()
})
afterAll(async () => {
  await worker.dispose()
  await rm(folder, { recursive: true, force: true })
})

const post = (path: string, headers = {}) =>
  fetch(`${origin}/${path}`, { method: "POST", headers, signal: AbortSignal.timeout(20_000) })

/** The status of an answer; undefined: there was none, as workerd was killed. */
async function statusOf(answer: Promise<Response>): Promise<number | undefined> {
  try {
    const response = await answer
    await response.arrayBuffer()
    return response.status < 500 ? response.status : undefined
  } catch {
    return undefined
  }
}

const webhook = (tenant: string, id: string) => post(`${tenant}/webhook`, { "webhook-id": id })

interface Counted {
  readonly outcome: string
  readonly requests: number
}

/** How many there were of each outcome, in all time. */
function totalsOf(rows: readonly Counted[]): Record<string, number> {
  const totals: Record<string, number> = {}
  for (const { outcome, requests } of rows) totals[outcome] = (totals[outcome] ?? 0) + requests
  return totals
}

async function countsOf(tenant: string, path = "counters"): Promise<Record<string, number>> {
  const response = await fetch(`${origin}/${tenant}/${path}`)
  return totalsOf((await response.json()) as Counted[])
}

describe("the edge demo", () => {
  it("limits each client, and says when to come again", async () => {
    const client = (name: string) => post(`shop/limited?client=${name}`)
    const answers = await Promise.all(Array.from({ length: 60 }, () => client("ada")))
    const refused = answers.filter(({ status }) => status === 429)
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(limit.BURST)
    expect(refused.length).toBeGreaterThan(0)
    for (const { headers } of refused) expect(headers.get("Retry-After")).toBe("1")
    expect((await client("bob")).status).toBe(200)
  })

  it("accepts a webhook once", async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => webhook("hooks", "a")))
    expect(answers.map(({ status }) => status)).toEqual([202, ...Array<number>(7).fill(200)])
    expect((await webhook("hooks", "b")).status).toBe(202)
    expect((await webhook("others", "a")).status).toBe(202)
    expect(await countsOf("hooks")).toEqual({ "webhook 202": 2, "webhook 200": 7 })
  })

  it("refuses what it does not know", async () => {
    const statuses = [
      post("").then(({ status }) => status),
      post("shop/else").then(({ status }) => status),
      post("shop/webhook").then(({ status }) => status),
      post("shop/limited").then(({ status }) => status),
      post(`shop/limited?client=${"x".repeat(101)}`).then(({ status }) => status),
      fetch(`${origin}/shop/limited?client=ada`).then(({ status }) => status),
    ]
    expect(await Promise.all(statuses)).toEqual([404, 404, 400, 400, 400, 404])
  })

  it("closes the counters of a minute by an alarm, also after a kill", async () => {
    const ids = ["a", "b", "c"]
    const expected = { "webhook 202": 3, "webhook 200": 1 }
    for (const tenant of ["quiet", "killed"]) {
      for (const id of [...ids, "a"]) await webhook(tenant, id)
    }
    await kill()
    for (const tenant of ["quiet", "killed"]) {
      const table = () => countsOf(tenant, "table")
      await vi.waitFor(async () => expect(await table()).toEqual(expected), 10_000)
      expect(await countsOf(tenant)).toEqual(expected)
    }
  })
})

describe("the edge demo, when its job fails", () => {
  it("begins again with the last checkpoint", async () => {
    expect((await webhook("failing", "a")).status).toBe(202)
    await post("failing/drop") // The minute cannot be closed; a new object makes a table again.
    await vi.waitFor(async () => {
      expect(await countsOf("failing", "table")).toEqual({ "webhook 202": 1 })
    }, 10_000)
    expect((await webhook("failing", "a")).status).toBe(200)
  })
})

/** A request: when it was sent, when it was answered, and how. */
interface Sent {
  readonly key: string
  readonly sentMs: number
  readonly answeredMs: number
  /** Undefined: not at all. */
  readonly status: number | undefined
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function sendOne(key: string, send: (key: string) => Promise<Response>): Promise<Sent> {
  const sentMs = Date.now()
  const status = await statusOf(send(key))
  return { key, sentMs, answeredMs: Date.now(), status }
}

/** Send to what each lane names next, at once, on loopback, while workerd is killed twice. */
async function floodAndKill(
  lanes: readonly (() => string)[],
  send: (key: string) => Promise<Response>,
): Promise<Sent[]> {
  const all: Sent[] = []
  let over = false
  const one = async (next: () => string) => {
    while (!over) {
      const sent = await sendOne(next(), send)
      all.push(sent)
      if (sent.status === undefined) await pause(20)
    }
  }
  const flooding = Promise.all(lanes.map(one))
  for (let n = 0; n < 2; n++) {
    await pause(1500)
    await kill()
  }
  await pause(1500)
  over = true
  await flooding
  return all
}

const countOf = (sent: readonly Sent[], status: number | undefined) =>
  sent.filter((each) => each.status === status).length

/** All that was answered is in the counts, and at most what was not answered as well. */
function expectCounted(counts: Record<string, number>, outcome: string, sent: readonly Sent[]) {
  const answered = countOf(sent, Number(outcome.split(" ")[1]))
  expect(counts[outcome] ?? 0).toBeGreaterThanOrEqual(answered)
  expect(counts[outcome] ?? 0).toBeLessThanOrEqual(answered + countOf(sent, undefined))
}

/** In no stretch of time were more admitted than GCRA lets through. */
function expectLimited(sent: readonly Sent[]) {
  const admitted = sent.filter(({ status }) => status === 200)
  admitted.sort((a, b) => a.answeredMs - b.answeredMs)
  for (const { sentMs } of admitted) {
    // All that were sent and answered within that time were judged in it.
    const within = admitted.filter((each) => each.sentMs >= sentMs)
    within.forEach(({ answeredMs }, n) => {
      const most = limit.BURST + Math.floor((answeredMs + 1 - sentMs) / intervalMs)
      expect(n + 1).toBeLessThanOrEqual(most)
    })
  }
}

describe("the edge demo, flooded and killed", () => {
  it("has everything that it has answered, be it killed at that moment", async () => {
    const sent: Sent[] = []
    for (let n = 0; n < 3; n++) {
      const burst = Array.from({ length: limit.BURST }, () => "moment/limited?client=a")
      sent.push(...(await Promise.all(burst.map((path) => sendOne(path, post)))))
      expect((await webhook("moment", `${n}`)).status).toBe(202)
      await kill()
      expect((await webhook("moment", `${n}`)).status).toBe(200)
    }
    expect(countOf(sent, 200)).toBeGreaterThanOrEqual(limit.BURST)
    expectLimited(sent)
  })

  it("never admits more than the limit", async () => {
    const tenants = ["one", "two", "three"]
    const keys = tenants.flatMap((tenant) =>
      ["a", "b"].map((client) => `${tenant}/limited?client=${client}`),
    )
    const lanes = [...keys, ...keys, ...keys, ...keys].map((key) => () => key)
    const sent = await floodAndKill(lanes, post)
    for (const key of keys) {
      const ofClient = sent.filter((each) => each.key === key)
      expect(countOf(ofClient, 200)).toBeGreaterThan(limit.BURST)
      expect(countOf(ofClient, 429)).toBeGreaterThan(0)
      expectLimited(ofClient)
    }
    for (const tenant of tenants) {
      const ofTenant = sent.filter(({ key }) => key.startsWith(`${tenant}/`))
      expectCounted(await countsOf(tenant), "limited 200", ofTenant)
    }
  })

  it("accepts no webhook twice, and counts what it was sent", async () => {
    let at = 0
    const next = () => `${Math.floor(at++ / 3)}` // Each three times, so that kills come between.
    const send = (id: string) => webhook("flooded", id)
    const lanes = Array.from({ length: 8 }, () => next)
    const sent = await floodAndKill(lanes, send)
    const ids = new Set(sent.map(({ key }) => key))
    const left = [...ids]
    const sendLeft = async () => {
      for (let id; (id = left.pop()) !== undefined;) sent.push(await sendOne(id, send))
    }
    await Promise.all(lanes.map(sendLeft)) // And once when all is over.
    for (const id of ids) {
      const ofId = sent.filter(({ key, status }) => key === id && status !== undefined)
      const answeredMs = Math.min(...ofId.map((each) => each.answeredMs))
      const accepted = ofId.filter(({ status }) => status === 202)
      expect(accepted.length).toBeLessThanOrEqual(1)
      for (const { sentMs } of accepted) expect(sentMs).toBeLessThanOrEqual(answeredMs)
    }
    expect(countOf(sent, 202)).toBeGreaterThan(10)
    expect(countOf(sent, 200)).toBeGreaterThan(10)
    const counts = await countsOf("flooded")
    for (const outcome of ["webhook 202", "webhook 200"]) expectCounted(counts, outcome, sent)
  })
})
