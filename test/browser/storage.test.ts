/**
 * The contract of storages on the IndexedDB of a real browser; a reopening is a reload. Then in two
 * pages at once, where calls go to the one and the other in turn: without locks, as between a page
 * and one that was frozen, so that nothing but the fence is between them.
 */
import type { Page } from "playwright-core"
import { afterAll, beforeAll, expect, it } from "vitest"
import { MillraceError } from "../../js/errors.ts"
import type { ErrorCode } from "../../js/errors.ts"
import type { ListOptions, StateStorage, StorageEntry } from "../../js/storage/storage.ts"
import { testStorage } from "../contract/storage.ts"
import { Chromium } from "./chromium.ts"
import { Server } from "./server.ts"

const server = new Server()
let browser: Chromium
let page: Page
let another: Page
let unlocked: readonly Page[]
beforeAll(async () => {
  const url = await server.start()
  browser = await Chromium.start()
  const open = async (setUp?: () => void) => {
    const opened = await browser.context.newPage()
    if (setUp !== undefined) await opened.addInitScript(setUp)
    await opened.goto(`${url}/plain/storage.html`)
    return opened
  }
  const noLocks = () => {
    Object.defineProperty(Navigator.prototype, "locks", { value: undefined })
  }
  page = await open()
  another = await open()
  unlocked = [await open(noLocks), await open(noLocks)]
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

type Call = (method: string, ...args: readonly unknown[]) => Promise<unknown>

const callOf =
  (name: string, pageOf: () => Page | undefined): Call =>
  async (method, ...args) => {
    const given = [name, method, args] as const
    const answer = await pageOf()?.evaluate(
      (given) => (globalThis as unknown as { callStorage: CallStorage }).callStorage(...given),
      given,
    )
    if (answer?.code !== undefined) throw new MillraceError(answer.code, answer.message ?? "")
    return answer?.value
  }

const textOf = (value: Uint8Array) => Buffer.from(value).toString("base64")
const textsOf = ([key, value]: StorageEntry) => [key, textOf(value)]

/** A storage in a page, called from here. */
function remote(call: Call): StateStorage {
  return {
    async get(key) {
      const text = await call("get", key)
      return text === undefined ? undefined : Uint8Array.from(Buffer.from(text as string, "base64"))
    },
    async set(key, value) {
      await call("set", key, textOf(value))
    },
    async delete(key) {
      await call("delete", key)
    },
    async list(prefix, options: ListOptions = {}) {
      return (await call("list", prefix, options)) as string[]
    },
    async commit(segments, manifest, owner) {
      await call("commit", segments.map(textsOf), textsOf(manifest), owner)
    },
    async close() {
      await call("close")
    },
  }
}

const names = new WeakMap<StateStorage, string>()

function inPage(name: string): StateStorage {
  const storage = remote(callOf(name, () => page))
  names.set(storage, name)
  return storage
}

let made = 0
const newName = () => `contract ${++made}`

const reopen = async (storage: StateStorage) => {
  await page.reload()
  return inPage(names.get(storage) ?? "")
}
testStorage("indexeddb in Chromium", () => inPage(newName()), { reopen, crash: reopen })

let turn = 0
const inTurns = () => remote(callOf(newName(), () => unlocked[++turn % 2]))
testStorage("indexeddb in two pages of Chromium, without locks", inTurns, { interleavings: 100 })

it("is for one of two pages at a time: the other is LOCKED until the first is done", async () => {
  const name = newName()
  const [first, second] = [page, another].map((at) => remote(callOf(name, () => at)))
  await first?.set("a", Uint8Array.of(1))
  const refused: unknown = await second?.get("a").catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: "LOCKED" })
  await first?.close?.()
  expect(await second?.get("a")).toEqual(Uint8Array.of(1))
})
