/**
 * A worker with one durable object, which runs the smoke test's program over the orders that it is
 * sent, from a savepoint if it gets one, and keeps its state in the object's own storage.
 */
import * as millrace from "../../dist/workerd.mjs"
import { durableObjectStorage } from "../../dist/storage-durable-object.mjs"
import { rowsOf, streamsOf } from "../fixtures/smoke.js"

export class Orders {
  constructor({ storage }) {
    this.storage = durableObjectStorage(storage)
  }

  async fetch(request) {
    const { storage } = this
    const { orders, savepoint } = await request.json()
    const from = savepoint && Uint8Array.from(savepoint)
    const job = await millrace.run(streamsOf(millrace, orders), { storage, from })
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
