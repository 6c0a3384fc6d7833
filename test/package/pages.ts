/** Pages of the consumers: served on loopback, opened in Chromium. */
import { createServer, preview } from "vite"
import type { Chromium } from "../browser/chromium.ts"
import type { Told } from "./consumers.ts"

const local = { host: "127.0.0.1", port: 0 }
const vite = { configFile: false, logLevel: "error" } as const

/** How a page is served: as Vite does in development, or a folder of the project as it is. */
export type Served = "dev" | "." | "dist"

/** What a page of a project shows, and how it came by the module. */
export async function visit(browser: Chromium, root: string, served: Served): Promise<Told> {
  if (served === "dev") {
    const server = await createServer({ ...vite, root, server: local })
    await server.listen()
    return shown(browser, server.resolvedUrls?.local[0]).finally(() => server.close())
  }
  const server = await preview({ ...vite, root, build: { outDir: served }, preview: local })
  return shown(browser, server.resolvedUrls?.local[0]).finally(() => server.close())
}

async function shown(browser: Chromium, url = ""): Promise<Told> {
  const context = await browser.context.browser()?.newContext() // With no state of others.
  if (context === undefined) throw new Error("Chromium is not there")
  const page = await context.newPage()
  const said: string[] = []
  let fetched = false
  page.on("console", (message) => said.push(message.text()))
  page.on("response", (response) => {
    fetched ||= response.headers()["content-type"] === "application/wasm"
  })
  page.on("pageerror", (error) => said.push(String(error)))
  try {
    await page.goto(url)
    const output = (await page.locator("output").textContent()) ?? ""
    return { outputs: [output], note: `the module is ${fetched ? "a file" : "inside the code"}` }
  } catch (error) {
    throw new Error([String(error), ...said].join("\n"), { cause: error })
  } finally {
    await context.close()
  }
}
