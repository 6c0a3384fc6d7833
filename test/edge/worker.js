/**
 * A worker with one durable object, which runs the smoke test's program over the orders that it is
 * sent and keeps its state in the object's own storage.
 */
import * as millrace from "../../dist/workerd.mjs"
import { rowsOf, streamsOf } from "../fixtures/smoke.js"

/** A storage of four functions, as a user writes it. */
const storageOver = (values) => ({
  get: (key) => values.get(key),
  set: (key, value) => values.put(key, value.slice()),
  delete: (key) => values.delete(key),
  list: async (prefix, { after, limit } = {}) => {
    const found = await values.list({ prefix, startAfter: after, limit })
    return [...found.keys()]
  },
})

export class Orders {
  constructor({ storage }) {
    this.storage = storageOver(storage)
  }

  async fetch(request) {
    const { storage } = this
    const job = await millrace.run(streamsOf(millrace, await request.json()), { storage })
    const rows = []
    for await (const row of rowsOf(job)) rows.push(row)
    const { restored } = job.stats()
    await job.close()
    return Response.json({ position: restored?.position ?? 0, rows })
  }
}

const worker = {
  fetch: (request, { ORDERS }) => ORDERS.get(ORDERS.idFromName("all")).fetch(request),
}

export { worker as default }
