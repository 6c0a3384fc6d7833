/**
 * A worker that calls the methods of storages over durable objects for a test that runs elsewhere:
 * each object has one, named by the path of a request. The body is the bytes of a value.
 */
import { durableObjectStorage } from "../../dist/storage-durable-object.mjs"

class Keeper {
  constructor({ storage }) {
    this.raw = storage
    this.storage = durableObjectStorage(storage)
  }

  async fetch(request) {
    const [method, ...args] = JSON.parse(request.headers.get("call"))
    const body = new Uint8Array(await request.arrayBuffer())
    try {
      const value = await this.call(method, args, body)
      if (value instanceof Uint8Array) return new Response(value)
      return Response.json({ value })
    } catch ({ code, message }) {
      return Response.json({ code, message })
    }
  }

  call(method, args, body) {
    if (method === "set") return this.storage.set(args[0], body)
    if (method === "keys") return this.raw.list().then((found) => [...found.keys()])
    if (method === "spoil") return this.raw.delete(args[0])
    if (method === "together") return this.together(args)
    if (method !== "commit") return this.storage[method](...args)
    const [segments, manifest, owner] = args
    const entryOf = ([key, bytes]) => [key, Uint8Array.from(bytes)]
    return this.storage.commit(segments.map(entryOf), entryOf(manifest), owner)
  }

  /** Reads while it writes: whether all that was read was whole. */
  async together([key]) {
    const values = [1, 2].map((n) => new Uint8Array(200_000 * n).fill(n))
    await this.storage.set(key, values[0])
    const reads = []
    for (let i = 1; i < 9; i++) {
      const setting = this.storage.set(key, values[i % 2])
      reads.push(
        this.storage.get(key),
        setting.then(() => this.storage.get(key)),
      )
    }
    const found = (await Promise.all(reads)).filter((value) => value !== undefined)
    return found.every((value) => value.length === 200_000 * value[0] && value.at(-1) === value[0])
  }
}

export class Pairs extends Keeper {}
export class Sqlite extends Keeper {}

const worker = {
  fetch: (request, env) => {
    const [, kind, name] = new URL(request.url).pathname.split("/")
    return env[kind].get(env[kind].idFromName(name)).fetch(request)
  },
}

export { worker as default }
