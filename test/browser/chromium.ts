/**
 * Debian's Chromium, as a process of ours that can be killed, driven through its debugging port.
 */
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { chromium } from "playwright-core"
import type { BrowserContext } from "playwright-core"

const flags = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  ...["--disable-dev-shm-usage", "--disable-breakpad", "--remote-debugging-port=0"],
  "--hide-scrollbars", // In pictures.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", // Nothing but this machine.
]

export class Chromium {
  readonly #profile: string
  #process: ChildProcess | undefined
  #context: BrowserContext | undefined

  private constructor(profile: string) {
    this.#profile = profile
  }

  /** Start it over a new profile. */
  static async start(): Promise<Chromium> {
    const browser = new Chromium(await mkdtemp(join(tmpdir(), "millrace-chromium-")))
    await browser.start()
    return browser
  }

  /** Its window; another one after every start. */
  get context(): BrowserContext {
    if (this.#context === undefined) throw new Error("Chromium is not there")
    return this.#context
  }

  /** Start it again over the same profile. */
  async start(): Promise<void> {
    const args = [...flags, `--user-data-dir=${this.#profile}`, "about:blank"]
    const stdio = ["ignore", "ignore", "pipe"] as const
    const child = spawn("/usr/bin/chromium", args, { stdio: [...stdio], detached: true })
    this.#process = child
    const browser = await chromium.connectOverCDP(await endpointOf(child.stderr))
    this.#context = browser.contexts()[0]
  }

  /** End it as a crash would, with every process that it started. */
  async kill(): Promise<void> {
    const child = this.#process
    this.#process = this.#context = undefined
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, "exit")
    process.kill(-child.pid, "SIGKILL")
    await gone
    // Others end later, by seconds, and hold on to the databases of the profile until then.
    while (isThere(-child.pid)) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  /** End the processes of all pages, as the system does when memory is short. */
  async killPages(): Promise<void> {
    const session = await this.context.browser()?.newBrowserCDPSession()
    const renderers = async () => {
      const { processInfo = [] } = (await session?.send("SystemInfo.getProcessInfo")) ?? {}
      return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id)
    }
    const killed = await renderers()
    for (const id of killed) process.kill(id, "SIGKILL")
    // One of them was kept ready for the next page, which it would be given until that is noticed.
    while ((await renderers()).some((id) => killed.includes(id))) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await session?.detach()
  }

  async end(): Promise<void> {
    await this.kill()
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Is there such a process, or one of such a group? */
function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Where the browser says that it listens. */
async function endpointOf(stderr: NodeJS.ReadableStream | null): Promise<string> {
  if (stderr === null) throw new Error("Chromium says nothing")
  const said: string[] = []
  for await (const line of createInterface(stderr)) {
    const [, endpoint] = /^DevTools listening on (ws:.*)$/.exec(line) ?? []
    if (endpoint !== undefined) {
      stderr.resume() // What it says from now on is of no use, but must not fill the pipe.
      return endpoint
    }
    said.push(line)
  }
  throw new Error(`Chromium did not start: ${said.join("\n")}`)
}
