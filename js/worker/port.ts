/**
 * A port of any runtime: web workers and their scopes, MessagePorts, and threads of Node, whose
 * workers are no event targets.
 */
import { MillraceError, typeName } from "../errors.ts"
import { isOurs } from "./wire.ts"
import type { ToPage, ToWorker } from "./wire.ts"

/** A `Worker` of the web, Deno, Bun or `node:worker_threads`, or a `MessagePort`. */
export interface WorkerPort {
  postMessage(message: unknown, transfer: never[]): void
}

/** What happens at a port. */
export interface PortEvents<Message> {
  message(message: Message): void
  /** Nothing comes from it any more. */
  failed(error: MillraceError): void
}

/** A port that is listened to. */
export interface Port<Message> {
  /** Throws the host's error for what cannot be cloned. */
  post(message: Message, transfer?: readonly Transferable[]): void
  /** Listen no more, and end the worker, or close the port. */
  end(): void
}

type Listener = (given: never) => void

/** What the ports of all runtimes have, each a part of it. */
interface AnyPort {
  postMessage(message: unknown, transfer: readonly Transferable[]): void
  addEventListener?(name: string, listener: Listener): void
  removeEventListener?(name: string, listener: Listener): void
  on?(name: string, listener: Listener): void
  off?(name: string, listener: Listener): void
  start?(): void
  close?(): void
  terminate?(): unknown
}

/** Throws `OPTION` for what is no port; `what` names it. */
export function listen<In extends ToPage | ToWorker, Out extends ToPage | ToWorker>(
  given: WorkerPort,
  what: string,
  events: PortEvents<In>,
): Port<Out> {
  const port = given as AnyPort
  if (typeof port !== "object" || port === null || typeof port.postMessage !== "function") {
    const wanted = "a Worker or a MessagePort"
    throw new MillraceError("OPTION", `${what} takes ${wanted}, not ${typeName(given)}`)
  }
  const terminate = port.terminate?.bind(port)
  const isWeb = port.addEventListener !== undefined
  const listeners = (isWeb ? ofWeb(events) : ofNode(events)).filter(
    // What nobody catches in a worker is told to its page by the host.
    ([name]) => name !== "error" || given !== (globalThis as unknown),
  )
  for (const [name, each] of listeners) {
    if (isWeb) port.addEventListener?.(name, each)
    else port.on?.(name, each)
  }
  port.start?.()
  // A worker that is terminated says nothing, but who terminates it calls this.
  if (isWeb && terminate !== undefined) {
    port.terminate = () => {
      events.failed(new MillraceError("WORKER", "the worker of the job was terminated"))
      return terminate()
    }
  }
  return {
    post: (message, transfer = []) => port.postMessage(message, transfer),
    end() {
      for (const [name, each] of listeners) {
        if (isWeb) port.removeEventListener?.(name, each)
        else port.off?.(name, each)
      }
      if (terminate !== undefined) void terminate()
      else port.close?.()
    },
  }
}

const messageOf = <Message>(given: unknown, events: PortEvents<Message>) => {
  if (isOurs(given)) events.message(given as Message)
}

const unreadable = (cause?: unknown) =>
  new MillraceError("WORKER", "a message of the job cannot be read here", { cause })

export const workerEnded = (): MillraceError =>
  new MillraceError("WORKER", "the worker of the job has ended")

function ofWeb<Message>(events: PortEvents<Message>): [string, Listener][] {
  const onError = (event: Event & { readonly message?: unknown; readonly error?: unknown }) => {
    event.preventDefault() // It is told here.
    const { message, error: cause } = event
    const said = typeof message === "string" && message !== "" ? message : undefined
    const what = said === undefined ? "could not be loaded" : `failed: ${said}`
    events.failed(new MillraceError("WORKER", `the worker of the job ${what}`, { cause }))
  }
  return [
    ["message", ({ data }: { readonly data: unknown }) => messageOf(data, events)],
    ["messageerror", () => events.failed(unreadable())],
    ["error", onError],
    ["close", () => events.failed(workerEnded())],
  ]
}

function ofNode<Message>(events: PortEvents<Message>): [string, Listener][] {
  const onError = (cause: unknown) => {
    const said = cause instanceof Error ? cause.message : typeName(cause)
    events.failed(new MillraceError("WORKER", `the worker of the job failed: ${said}`, { cause }))
  }
  return [
    ["message", (data: unknown) => messageOf(data, events)],
    ["messageerror", (cause: unknown) => events.failed(unreadable(cause))],
    ["error", onError],
    ["exit", () => events.failed(workerEnded())],
  ]
}

/** What of a runtime says where its worker can be reached. */
interface Scope {
  readonly postMessage?: unknown
  readonly document?: unknown
  readonly process?: {
    getBuiltinModule?(name: string): { readonly parentPort?: WorkerPort | null } | undefined
  }
}

/** The port to whoever started this worker. Throws `OPTION` where there is none. */
export function ownPort(): WorkerPort {
  const scope = globalThis as Scope
  const isWorker = typeof scope.postMessage === "function" && scope.document === undefined
  if (isWorker) return globalThis as unknown as WorkerPort
  const parent = scope.process?.getBuiltinModule?.("node:worker_threads")?.parentPort
  if (parent !== undefined && parent !== null) return parent
  throw new MillraceError("OPTION", "serveJob runs in a worker; elsewhere it needs a port")
}
