/**
 * How long answers take under a flood on loopback, beside those of a worker that does nothing; and
 * how long a start takes until the first of them.
 *
 *     make edge-flood ARGS="16 10"    so many connections, so many seconds for each row
 */
import { mkdtemp, rm } from "node:fs/promises"
import { Agent, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Table from "cli-table3"
import { startEdge } from "./workerd.ts"

const [connections = 16, seconds = 5] = process.argv.slice(2).map(Number)
const rounds = 5

/** The same worker and object, which on three paths more do nothing, or make one write. */
const script = `
  import worker, { Tenant as Demo } from "./worker.js"
  export class Tenant extends Demo {
    fetch(request) {
      if (request.url.endsWith("/write")) void this.ctx.storage.put("number", Math.random())
      else if (!request.url.endsWith("/object")) return super.fetch(request)
      return new Response("{}")
    }
  }
  export default {
    fetch(request, env) {
      return request.url.endsWith("/worker") ? new Response("{}") : worker.fetch(request, env)
    },
  }`

interface Row {
  readonly name: string
  readonly status: number
  /** Path and headers of the n-th request. */
  readonly send: (n: number) => readonly [path: string, headers?: Record<string, string>]
}

/** A tenant remembers no more than so many. */
const newTenant = (n: number) => `new-${Math.floor(n / 20_000)}`

const rows: readonly Row[] = [
  { name: "an empty worker", status: 200, send: () => ["/x/worker"] },
  { name: "an empty object", status: 200, send: () => ["/x/object"] },
  { name: "an object that writes", status: 200, send: () => ["/x/write"] },
  { name: "refused, 429", status: 429, send: () => ["/busy/limited?client=one"] },
  { name: "admitted, 200", status: 200, send: (n) => [`/open/limited?client=${n % 9999}`] },
  {
    name: "new webhook, 202",
    status: 202,
    send: (n) => [`/${newTenant(n)}/webhook`, { "webhook-id": `${n}` }],
  },
]

const agent = new Agent({ keepAlive: true, maxSockets: connections })

function post(origin: string, path: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(origin + path, { method: "POST", headers, agent }, (response) => {
      response.on("end", () => resolve(response.statusCode ?? 0)).resume()
    })
    sent.on("error", reject).end()
  })
}

async function inFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-edge-"))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const quantile = (times: readonly number[], q: number) =>
  times.toSorted((a, b) => a - b)[Math.ceil(q * times.length) - 1] ?? NaN

const ms = (time: number) => time.toFixed(1)

/** The times of all answers of a row, ms; each connection asks again when it has its answer. */
async function flood(origin: string, row: Row, next: () => number, forMs: number) {
  const times: number[] = []
  const until = performance.now() + forMs
  const one = async () => {
    while (performance.now() < until) {
      const [path, headers] = row.send(next())
      const from = performance.now()
      const status = await post(origin, path, headers)
      if (status !== row.status && status !== 200) throw new Error(`${row.name}: ${status}`)
      if (status === row.status) times.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: connections }, one))
  return times
}

async function floodAll(folder: string): Promise<void> {
  const miniflare = startEdge({ folder, script })
  const { origin } = await miniflare.ready
  let sent = 0
  const next = () => ++sent
  for (const row of rows) await flood(origin, row, next, 500) // Until code is compiled.
  const times = rows.map((): number[] => [])
  // In turns, as other programs of this machine may not be as busy all the time.
  for (let round = 0; round < rounds; round++) {
    for (const [i, row] of rows.entries()) {
      times[i]?.push(...(await flood(origin, row, next, (seconds * 1000) / rounds)))
    }
  }
  await miniflare.dispose()
  const table = new Table({
    head: ["", "answers", "p50 ms", "p99 ms", "p99 / empty worker's", "/ writing object's"],
    style: { head: [], border: [] },
    colAligns: ["left", "right", "right", "right", "right", "right"],
  })
  const p99 = times.map((each) => quantile(each, 0.99))
  for (const [i, { name }] of rows.entries()) {
    const [own = NaN, worker = NaN, writing = NaN] = [p99[i], p99[0], p99[2]]
    const ratios = [own / worker, own / writing].map((ratio) => `${ratio.toFixed(1)} ×`)
    const each = times[i] ?? []
    table.push([name, each.length, ms(quantile(each, 0.5)), ms(own), ...ratios])
  }
  console.log(`${connections} connections, each waiting for its answer\n${table.toString()}`)
}

/** From the start of workerd, with what `folder` has, to its first answer on a path. */
async function startUntil(folder: string, path: string): Promise<number> {
  const from = performance.now()
  const miniflare = startEdge({ folder, script })
  const { origin } = await miniflare.ready
  await post(origin, path)
  const time = performance.now() - from
  await miniflare.dispose()
  return time
}

async function coldStarts(folder: string): Promise<void> {
  const [empty, stateful, again]: number[][] = [[], [], []]
  for (let n = 0; n < rounds; n++) {
    empty?.push(await startUntil(folder, "/x/worker"))
    stateful?.push(await startUntil(folder, `/new-${n}/limited?client=a`))
    again?.push(await startUntil(folder, `/new-${n}/limited?client=a`))
  }
  const miniflare = startEdge({ folder, script })
  const { origin } = await miniflare.ready
  await post(origin, "/x/worker")
  const objects: number[] = []
  for (let n = 0; n < 4 * rounds; n++) {
    const from = performance.now()
    await post(origin, `/object-${n}/limited?client=a`)
    objects.push(performance.now() - from)
  }
  await miniflare.dispose()
  const median = (times: readonly number[] = []) => ms(quantile(times, 0.5))
  console.log(`
Medians, ms:
  workerd from its start to the first answer of an empty worker      ${median(empty)}
  ... to the first stateful answer                                    ${median(stateful)}
  ... the same, with state restored                                   ${median(again)}
  a running isolate: the first stateful answer of a new object       ${median(objects)}`)
}

await inFolder(floodAll)
await inFolder(coldStarts)
agent.destroy()
