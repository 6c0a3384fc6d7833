/** The example of a storage of one's own, demo/redis, on a real server. */
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { redisStorage } from "../demo/redis/redis_storage.ts"
import type { StateStorage } from "../js/index.ts"
import { testStorage } from "./contract/storage.ts"
import { begin, goOn, recover } from "./fault_script.ts"
import { guardRejections } from "./probe.ts"
import { RedisServer } from "./redis_server.ts"

guardRejections()

let folder: string
let server: RedisServer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-redis-"))
  server = new RedisServer(folder)
  await server.start()
})
afterAll(async () => {
  await server.kill()
  await rm(folder, { recursive: true, force: true })
})

const names = new WeakMap<StateStorage, string>()
let made = 0

function open(name: string): StateStorage {
  const storage = redisStorage((...command) => server.send(...command), name)
  names.set(storage, name)
  return storage
}

const again = (storage: StateStorage) => open(names.get(storage) ?? "")

testStorage("redis", () => open(`{contract-${++made}}`), {
  reopen: again,
  crash: async (storage) => {
    await server.kill()
    await server.start()
    return again(storage)
  },
  failing: () => redisStorage(() => Promise.reject(new Error("connection lost"))),
})

describe("a job on redis", () => {
  it("goes on after the server was killed", async () => {
    const storage = open("{job}")
    await begin(storage)
    await server.kill()
    await expect(goOn(storage)).rejects.toMatchObject({ code: "STORAGE" })
    await server.start()
    await goOn(storage)
    await recover(storage)
  })

  it("takes a driver of less than 60 lines, beside its comment", async () => {
    const text = await readFile(new URL("../demo/redis/redis_storage.ts", import.meta.url), "utf8")
    const code = text.slice(text.indexOf("*/") + 3).split("\n")
    expect(code.length).toBeLessThan(60)
  })
})
