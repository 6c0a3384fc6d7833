/** The contract of storages on the IndexedDB of a real browser; a reopening is a reload. */
import type { Page } from "playwright-core"
import { afterAll, beforeAll } from "vitest"
import { MillraceError } from "../../js/errors.ts"
import type { ErrorCode } from "../../js/errors.ts"
import type { ListOptions, StateStorage } from "../../js/storage/storage.ts"
import { testStorage } from "../contract/storage.ts"
import { Chromium } from "./chromium.ts"
import { Server } from "./server.ts"

const server = new Server()
let browser: Chromium
let page: Page
beforeAll(async () => {
  const url = await server.start()
  browser = await Chromium.start()
  page = await browser.context.newPage()
  await page.goto(`${url}/plain/storage.html`)
})
afterAll(async () => {
  await browser.end()
  await server.stop()
})

/** What a page answers, and what storage.js there has for it. Bytes cross as texts. */
interface Answer {
  readonly value?: unknown
  readonly code?: ErrorCode
  readonly message?: string
}
type CallStorage = (name: string, method: string, args: readonly unknown[]) => Promise<Answer>

async function call(name: string, method: string, ...args: unknown[]): Promise<unknown> {
  const given = [name, method, args] as const
  const answer = await page.evaluate(
    (given) => (globalThis as unknown as { callStorage: CallStorage }).callStorage(...given),
    given,
  )
  if (answer.code !== undefined) throw new MillraceError(answer.code, answer.message ?? "")
  return answer.value
}

const names = new WeakMap<StateStorage, string>()

/** A storage in the page, called from here. */
function remote(name: string): StateStorage {
  const storage: StateStorage = {
    async get(key) {
      const text = await call(name, "get", key)
      return text === undefined ? undefined : Uint8Array.from(Buffer.from(text as string, "base64"))
    },
    async set(key, value) {
      await call(name, "set", key, Buffer.from(value).toString("base64"))
    },
    async delete(key) {
      await call(name, "delete", key)
    },
    async list(prefix, options: ListOptions = {}) {
      return (await call(name, "list", prefix, options)) as string[]
    },
    async close() {
      await call(name, "close")
    },
  }
  names.set(storage, name)
  return storage
}

let made = 0
testStorage("indexeddb in Chromium", async () => remote(`contract ${++made}`), {
  reopen: async (storage) => {
    await page.reload()
    return remote(names.get(storage) ?? "")
  },
})
