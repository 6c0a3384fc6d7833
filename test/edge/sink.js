/**
 * A worker whose durable objects have a job that writes sums into the object that has its state: by
 * SQL, or by keys. On demand the object is ended within a write, or the write fails.
 */
import { from, run, transactionalSink } from "../../dist/workerd.mjs"
import { durableObjectStorage } from "../../dist/storage-durable-object.mjs"

class Sums {
  constructor(ctx) {
    this.ctx = ctx
    this.storage = durableObjectStorage(ctx.storage)
  }

  async fetch(request) {
    const { count, abortIn, failIn } = await request.json()
    let writes = 0
    const sink = transactionalSink(this.storage, async (sums, values) => {
      writes++
      const half = sums.length >> 1
      await this.write(sums.slice(0, half), values)
      if (writes === abortIn) this.ctx.abort("killed")
      if (writes === failIn) throw new Error("failed")
      await this.write(sums.slice(half), values)
    })
    try {
      await this.run(count, sink)
      return Response.json({ writes, sums: await this.read() })
    } catch ({ code, message, cause }) {
      const keys = await this.storage.list("job/manifest/")
      const manifests = keys.filter((key) => /\/\d+$/.test(key)) // No claims.
      const failed = { code, message, cause: String(cause), writes, manifests: manifests.length }
      return Response.json({ ...failed, sums: await this.read() })
    }
  }

  async run(count, sink) {
    const numbers = Array.from({ length: count }, (_, n) => n)
    const sums = from(numbers)
      .keyBy((n) => n % 3)
      .fold(
        () => 0,
        (sum, n) => sum + n,
        { uid: "sums" },
      )
    const { storage } = this
    let ms = 0
    const clock = { now: () => ms++ } // Time goes on by being looked at.
    const options = { storage, chunkSize: 4, checkpoint: { interval: 6 }, clock }
    const job = await run(sums.to(sink), options)
    await job.finished().finally(() => job.close())
  }
}

export class Sqlite extends Sums {
  constructor(ctx) {
    super(ctx)
    this.sql = ctx.storage.sql
    this.sql.exec("CREATE TABLE IF NOT EXISTS sums (id INTEGER PRIMARY KEY, sum INTEGER)")
  }

  write(sums) {
    for (const sum of sums) this.sql.exec("INSERT INTO sums (sum) VALUES (?)", sum)
  }

  read() {
    return [...this.sql.exec("SELECT sum FROM sums ORDER BY id")].map(({ sum }) => sum)
  }
}

export class Pairs extends Sums {
  async write(sums, values) {
    const length = (await values.get(["length"])).get("length") ?? 0
    for (const [i, sum] of sums.entries()) {
      await values.put({ [`sum/${String(length + i).padStart(6, "0")}`]: sum })
    }
    await values.put({ length: length + sums.length })
  }

  async read() {
    return [...(await this.ctx.storage.list({ prefix: "sum/" })).values()]
  }
}

const worker = {
  fetch: (request, env) => {
    const [, kind, name] = new URL(request.url).pathname.split("/")
    return env[kind].get(env[kind].idFromName(name)).fetch(request)
  },
}

export { worker as default }
