/**
 * A worker with a Durable Object per tenant, which limits rates, knows the webhooks that it has
 * seen, and counts what it decided.
 *
 *     POST /:tenant/limited?client=ada   200, or 429 with Retry-After
 *     POST /:tenant/webhook              202 if its `webhook-id` is new, 200 if it was there before
 *     GET  /:tenant/counters             how many of each there were, per minute
 *
 * A request is an event of the object's one job, and is answered when a checkpoint has what became
 * of it; those that come while one is written share the next. So what was answered is never
 * forgotten, and what was forgotten was never answered. Only a refusal is told at once: it changes
 * nothing.
 */
import { DurableObject } from "cloudflare:workers"
import { count, from, run, transactionalSink, tumbling } from "millrace"
import { durableObjectStorage } from "millrace/storage/durable-object"
import { alarmClock } from "./alarm_clock.js"
import { decisionsOf } from "./decisions.js"

/** The most requests that wait for an answer, and the longest that a client or an id may be. */
const waitingMax = 1000
const keyLengthMax = 100
const dayMs = 86_400_000

/** A request on its way through the job. */
class Asked extends Event {
  constructor(kind, key) {
    super("asked")
    this.kind = kind
    this.key = key
    this.decided = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }))
  }
}

export class Tenant extends DurableObject {
  #requests = new EventTarget()
  #waiting = 0
  #saving
  #clock
  #job

  constructor(ctx, env) {
    super(ctx, env)
    this.#clock = alarmClock(ctx.storage)
    void ctx.blockConcurrencyWhile(() => this.#open()).then(() => this.#answer())
  }

  /** Begin, or go on from the last checkpoint. */
  async #open() {
    const { storage } = this.ctx
    storage.sql.exec(`CREATE TABLE IF NOT EXISTS counts
      (start INTEGER, outcome TEXT, requests INTEGER, PRIMARY KEY (start, outcome))`)
    const state = durableObjectStorage(storage)
    const options = { event: "asked", replay: "none", bufferMax: waitingMax + 1 } // One: an alarm.
    const requests = from(this.#requests, options)
    const decisions = decisionsOf(requests, this.env)
    const counts = decisions
      .keyBy(({ asked, status }) => `${asked.kind} ${status}`)
      .window(tumbling(this.env.COUNT_PER))
      .aggregate({ requests: count() }, { uid: "counts" })
    // Rows are there when the state is that they came from, which has let go of them.
    const table = transactionalSink(state, (rows) => {
      for (const { key, start, requests } of rows) {
        storage.sql.exec("INSERT INTO counts VALUES (?, ?, ?)", start, key, requests)
      }
      storage.sql.exec("DELETE FROM counts WHERE start < ?", Date.now() - dayMs)
    })
    const looks = requests.filter(({ kind }) => kind === "look").map((asked) => ({ asked }))
    this.#job = await run(
      { decisions: decisions.union(looks), counts: counts.to(table) },
      { storage: state, clock: this.#clock, memory: { maxBytes: 32 << 20 } },
    )
  }

  /** Tell everybody what became of their request. */
  async #answer() {
    try {
      for await (const { asked, status } of this.#job.output("decisions")) {
        if (status === 429) asked.resolve(status)
        else this.#save().then(() => asked.resolve(status), asked.reject)
      }
    } catch (error) {
      console.error(error)
      this.ctx.abort("the job has failed: the next request begins with the last checkpoint")
    }
  }

  /** One checkpoint for many: those who wait at the object's door are let in before it begins. */
  #save() {
    this.#saving ??= scheduler.wait(0).then(() => {
      this.#saving = undefined
      return this.#job.checkpoint()
    })
    return this.#saving
  }

  #ask(kind, key) {
    const asked = new Asked(kind, key)
    this.#requests.dispatchEvent(asked)
    return asked.decided
  }

  async fetch(request) {
    if (this.#waiting >= waitingMax) return reply(503, { "Retry-After": "1" })
    this.#waiting++
    try {
      return await this.#serve(request)
    } finally {
      this.#waiting--
    }
  }

  async #serve({ url, method, headers }) {
    const { pathname, searchParams } = new URL(url)
    const [, , path] = pathname.split("/")
    if (method === "GET" && path === "counters") return this.#counters()
    if (method !== "POST" || (path !== "limited" && path !== "webhook")) return reply(404)
    const key = path === "limited" ? searchParams.get("client") : headers.get("webhook-id")
    if (key === null || key.length > keyLengthMax) return reply(400)
    const status = await this.#ask(path, key)
    return reply(status, status === 429 ? { "Retry-After": this.#retryAfter(key) } : {})
  }

  /** In how many seconds the next request of a client will pass. */
  #retryAfter(client) {
    const { LIMIT, PER_SECONDS, BURST } = this.env
    const { nextTime = 0 } = this.#job.state("limits").get(client) ?? {}
    const earlier = ((BURST - 1) * PER_SECONDS * 1000) / LIMIT
    return String(Math.max(1, Math.ceil((nextTime - earlier - Date.now()) / 1000)))
  }

  /** Minutes that are over, from the table, and the one that is not, from state. */
  async #counters() {
    await this.#ask("look")
    const rows = this.ctx.storage.sql.exec("SELECT * FROM counts ORDER BY start, outcome")
    const open = [...this.#job.state("counts").scan()].flatMap(([outcome, windows]) =>
      windows.map(({ start, requests }) => ({ start, outcome, requests, open: true })),
    )
    return Response.json([...rows, ...open])
  }

  /** What is due comes before an event that comes now, and is saved with it. */
  async alarm() {
    this.#clock.ring()
    await this.#ask("look")
  }
}

const reply = (status, headers) => Response.json({ status }, { status, headers })

const worker = {
  fetch(request, { TENANTS }) {
    const [, tenant] = /^\/([\w-]{1,64})\//.exec(new URL(request.url).pathname) ?? []
    if (tenant === undefined) return reply(404)
    return TENANTS.get(TENANTS.idFromName(tenant)).fetch(request)
  },
}

export { worker as default }
