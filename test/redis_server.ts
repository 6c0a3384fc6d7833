/** A Redis server on loopback that keeps every write, and a client that speaks its language. */
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { createConnection, createServer } from "node:net"
import type { AddressInfo, Socket } from "node:net"

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}

/** Who waits for an answer; they come in the order of the commands. */
interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

export class RedisServer {
  readonly #folder: string
  #port = 0
  #process: ChildProcess | undefined
  #client: Socket | undefined
  readonly #waiting: Waiting[] = []
  #unread = Buffer.alloc(0)

  constructor(folder: string) {
    this.#folder = folder
  }

  async start(): Promise<void> {
    this.#port = await freePort()
    const flags = ["--bind", "127.0.0.1", "--port", String(this.#port), "--dir", this.#folder]
    const durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    const stdio = ["ignore", "pipe", "inherit"] as const
    const child = spawn("/usr/bin/redis-server", [...flags, ...durable], { stdio: [...stdio] })
    this.#process = child
    let said = ""
    for await (const text of child.stdout) {
      said += String(text)
      if (said.includes("Ready to accept connections")) break
    }
    await this.#connect()
  }

  async #connect(): Promise<void> {
    const client = createConnection(this.#port, "127.0.0.1")
    this.#client = client
    await once(client, "connect")
    this.#unread = Buffer.alloc(0)
    client.on("data", (data: Buffer) => this.#read(data))
    client.on("error", () => undefined)
    client.on("close", () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error("connection lost"))
    })
  }

  /** As a crash would: nothing is flushed that was not. */
  async kill(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined) return
    const gone = once(child, "exit")
    child.kill("SIGKILL")
    await gone
    this.#client?.destroy()
  }

  readonly send = (...command: (string | Uint8Array)[]): Promise<unknown> => {
    const parts = command.map((part) => Buffer.from(part as Uint8Array))
    const texts = parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, crlf])
    if (this.#client?.writable !== true) return Promise.reject(new Error("no connection"))
    this.#client.write(Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...texts]))
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  #read(data: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, data])
    for (;;) {
      const answer = parse(this.#unread, 0)
      if (answer === undefined) return
      this.#unread = this.#unread.subarray(answer.end)
      const waiting = this.#waiting.shift()
      if (answer.value instanceof Error) waiting?.reject(answer.value)
      else waiting?.resolve(answer.value)
    }
  }
}

const crlf = Buffer.from("\r\n")

/** One answer of the protocol RESP 2 from a place on; undefined if there is not all of it yet. */
function parse(bytes: Buffer, at: number): { value: unknown; end: number } | undefined {
  const line = bytes.indexOf(crlf, at)
  if (line < 0) return undefined
  const [kind, text] = [String.fromCharCode(bytes[at] ?? 0), bytes.toString("utf8", at + 1, line)]
  const next = line + 2
  if (kind === "+") return { value: text, end: next }
  if (kind === "-") return { value: new Error(text), end: next }
  const size = Number(text)
  if (kind === ":") return { value: size, end: next }
  if (size < 0) return { value: null, end: next }
  if (kind === "$") {
    const end = next + size
    if (bytes.length < end + 2) return undefined
    return { value: Buffer.from(bytes.subarray(next, end)), end: end + 2 }
  }
  const items: unknown[] = []
  let end = next
  for (let i = 0; i < size; i++) {
    const item = parse(bytes, end)
    if (item === undefined) return undefined
    items.push(item.value)
    end = item.end
  }
  return { value: items, end }
}
