/** What the tests of a file have in common: pages that are served, and a browser to open them. */
import { afterAll, beforeAll } from "vitest"
import { Server } from "./server.ts"

export interface Stage<Browser> {
  /** Where pages are served; there while tests run, as is the browser. */
  readonly url: string
  readonly browser: Browser
  readonly server: Server
}

/** Serve and start before the tests of this file, and end both behind them. */
export function stage<Browser extends { end(): Promise<void> }>(
  start: () => Promise<Browser>,
): Stage<Browser> {
  const server = new Server()
  let url = ""
  let browser: Browser | undefined
  beforeAll(async () => {
    url = await server.start()
    browser = await start()
  })
  afterAll(async () => {
    await browser?.end()
    await server.stop()
  })
  return {
    server,
    get url() {
      return url
    },
    get browser() {
      if (browser === undefined) throw new Error("the browser is not there")
      return browser
    },
  }
}
