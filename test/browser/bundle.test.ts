/** The page of this folder as a project that Vite serves, and builds, over the packed package. */
import { mkdir, readFile, rename } from "node:fs/promises"
import { build, createServer, preview } from "vite"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Scratch } from "../package/scratch.ts"
import { expected } from "../smoke.ts"
import { Chromium } from "./chromium.ts"

let browser: Chromium
let scratch: Scratch
beforeAll(async () => {
  browser = await Chromium.start()
  scratch = await Scratch.make()
  await mkdir(scratch.at("public"))
  await rename(scratch.at("orders.json"), scratch.at("public/orders.json"))
  const text = (name: string) => readFile(new URL(name, import.meta.url), "utf8")
  const page = (await text("page.js"))
    .replace("./dist/browser.mjs", "millrace")
    .replace("./dist/storage-indexeddb.mjs", "millrace/storage/indexeddb")
    .replace("./smoke.js", "./smoke.mjs")
  await scratch.write("page.js", page)
  await scratch.write("index.html", await text("page.html"))
})
afterAll(async () => {
  await browser.end()
  await scratch.remove()
})

/** What the page shows, and what it fetched. */
async function visit(url = "") {
  const page = await browser.context.newPage()
  const asked: string[] = []
  page.on("request", (request) => asked.push(new URL(request.url()).pathname))
  await page.goto(`${url}index.html`)
  const shown: unknown = JSON.parse((await page.locator("output").textContent()) ?? "")
  await page.close()
  return { shown, asked }
}

const whole = { position: 0, rows: expected }
const local = { host: "127.0.0.1", port: 0 }

describe("a page of Vite's", () => {
  it("runs while it is developed", async () => {
    const server = await createServer({
      root: scratch.folder,
      logLevel: "error",
      server: local,
    })
    await server.listen()
    const { shown } = await visit(server.resolvedUrls?.local[0])
    await server.close()
    expect(shown).toEqual(whole)
  })

  it("runs when it is built, and takes the module along as a file", async () => {
    await build({ root: scratch.folder, logLevel: "error" })
    const server = await preview({ root: scratch.folder, logLevel: "error", preview: local })
    const { shown, asked } = await visit(server.resolvedUrls?.local[0])
    await server.close()
    expect(shown).toEqual(whole)
    const ofModule = asked.filter((path) => /wasm|inlined/.test(path))
    expect(ofModule).toEqual([expect.stringMatching(/^\/assets\/millrace-[\w-]+\.wasm$/)])
  })
})
