/**
 * A file server on loopback that shows the package to a browser.
 *
 *     /<manner>/dist/…        dist
 *     /<manner>/page.html     the pages of this folder, and what they ask for
 */
import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { extname } from "node:path"
import { fileURLToPath } from "node:url"
import { goldenProgram } from "../golden/script.ts"
import { orders } from "../smoke.ts"

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
}

interface Manner {
  /** What the policy of a page lets scripts do; no policy without it. */
  readonly scripts?: string
  /** Where workers may come from: where scripts do, without it. */
  readonly workers?: string
  /** What the module is said to be. */
  readonly wasm?: string
}

/** How the server behaves, by the first name in a path. */
const manners: Readonly<Record<string, Manner>> = {
  /** As a server should. */
  plain: {},
  /** As well, for what is stored under another path. */
  tabs: {},
  /** Forbids eval, allows WebAssembly. */
  strict: { scripts: "'self' 'wasm-unsafe-eval'" },
  /** Forbids WebAssembly, too. */
  barred: { scripts: "'self'" },
  /** Forbids workers. */
  alone: { scripts: "'self' 'wasm-unsafe-eval'", workers: "'none'" },
  /** Does not know the type of the module. */
  untyped: { wasm: "application/octet-stream" },
  /** Has a page of its own for what is not there, as one for single-page programs has. */
  missing: { wasm: "text/html" },
}

export class Server {
  /** Paths that were asked for. */
  readonly asked: string[] = []
  readonly #server = createServer((request, response) => void this.#answer(request, response))

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer({ url = "" }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(url, "http://127.0.0.1")
    this.asked.push(pathname)
    const [, manner = "", ...path] = pathname.split("/")
    const { scripts, workers = scripts, wasm } = manners[manner] ?? {}
    const known = types[extname(pathname)] ?? "text/plain"
    const type = known === "application/wasm" ? (wasm ?? known) : known
    try {
      const body = type === "text/html" ? await pageOf(path) : await fileOf(path)
      response.setHeader("Content-Type", type)
      if (scripts !== undefined) {
        const policy = `default-src 'none'; connect-src 'self'; script-src ${scripts}`
        const whole = `${policy}; worker-src ${workers}`
        response.setHeader("Content-Security-Policy", whole)
      }
      response.end(body)
    } catch {
      response.writeHead(404).end()
    }
  }
}

/** By any name: a page keeps its state under its path. */
const pageOf = ([name = ""]: readonly string[]) =>
  readFile(at(["storage.html", "sink.html", "worker.html"].includes(name) ? name : "page.html"))

async function fileOf([name = "", inDist]: readonly string[]): Promise<Buffer | string> {
  if (name === "dist") return readFile(at(`../../dist/${inDist}`))
  if (name === "golden.js") return goldenProgram("./dist/slim.mjs")
  if (name === "orders.json") return JSON.stringify(orders)
  return readFile(at(name === "smoke.js" ? "../fixtures/smoke.js" : name))
}
