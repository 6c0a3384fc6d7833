/**
 * A job in a worker, as its page has it.
 */
import { MillraceError } from "../errors.ts"
import { Output } from "../output.ts"
import { Tag } from "../tag.ts"
import type { Link } from "./link.ts"
import type { RemoteJobBase, RemoteOutput } from "./remote_types.ts"
import { aheadMax } from "./wire.ts"
import type { Method, StartedJob } from "./wire.ts"

/** The face of a job that was started. */
export function remoteJob(link: Link, { outputs, single }: StartedJob): RemoteJobBase {
  const inlets = new Map<number, Inlet>()
  const output = (of: unknown): RemoteOutput<never> => {
    link.check()
    const [asked, isTag] = of instanceof Tag ? [of.name, true] : [of, false]
    const place = outputs.findIndex((each) => each.name === asked && each.isTag === isTag)
    const claimed = inlets.get(place)
    if (claimed !== undefined) return claimed.results()
    const { name } = outputs[place] ?? refused(outputs, `${isTag ? "tag " : ""}${String(asked)}`)
    const inlet = new Inlet(link, place, name)
    inlets.set(place, inlet)
    return inlet.results()
  }
  const drop = () => inlets.forEach((inlet) => inlet.close())
  link.events = {
    chunk: (place, results) => inlets.get(place)?.push(results),
    end(place, error) {
      if (place !== undefined) inlets.get(place)?.end(error)
      else for (const inlet of inlets.values()) inlet.end(error)
    },
    drop,
  }

  let closing: Promise<void> | undefined
  const close = async () => {
    const end = () => link.end(new MillraceError("CLOSED", "the job is closed"))
    drop()
    if (!link.isOver) await link.call("close").finally(end)
  }
  const call = (method: Method) => link.call(method) as Promise<never>
  const base: RemoteJobBase = {
    output,
    finished: () => call("finished"),
    checkpoint: () => call("checkpoint"),
    savepoint: async () => streamOf((await link.call("savepoint")) as Uint8Array[]),
    state: (uid) => ({
      size: () => link.call("state", [uid, "size"]) as Promise<number>,
      get: (key) => link.call("state", [uid, "get", key]),
      entries: () => link.call("state", [uid, "entries"]) as Promise<never>,
    }),
    stats: () => call("stats"),
    explain: (key) => link.call("explain", [key]) as Promise<never>,
    request: (name: string, ...value: unknown[]) => link.call("request", [name, ...value]),
    close: () => (closing ??= close()),
    [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]: () => base.close(),
  }
  if (!single) return base
  return Object.assign(base, {
    [Symbol.asyncIterator]: () => output("out")[Symbol.asyncIterator](),
    chunks: () => output("out").chunks(),
  })
}

function refused(outputs: StartedJob["outputs"], asked: string): never {
  const names = outputs.map(({ name, isTag }) => (isTag ? `tag ${name}` : name)).join(", ")
  throw new MillraceError("OPTION", `the job has no output ${asked}; it has ${names}`)
}

/** The results of one output that have arrived, and what its reader tells the worker. */
class Inlet {
  readonly #link: Link
  readonly #place: number
  readonly #output: Output
  #received = 0
  /** So many were read when the worker was last told; undefined: nothing was asked for yet. */
  #told: number | undefined

  /** Claims it in the worker. */
  constructor(link: Link, place: number, name: string) {
    this.#link = link
    this.#place = place
    this.#output = new Output(name, undefined, nothing, () => this.#leave())
    link.call("claim", [place]).catch((error: unknown) => this.end({ error }))
  }

  push(results: readonly unknown[]): void {
    this.#received += results.length
    this.#output.push(results)
  }

  end(error: { readonly error: unknown } | undefined): void {
    this.#output.end(error)
  }

  close(): void {
    this.#output.close()
  }

  /** There is one reader, so every call gives the same results on. */
  results(): RemoteOutput<never> & AsyncIterableIterator<never> {
    const output = this.#output
    const iterator = output.iterator()
    const by = <T>(next: () => Promise<IteratorResult<T>>): AsyncIterableIterator<T> => {
      const reading: AsyncIterableIterator<T> = {
        next: () => {
          this.#ask()
          return next()
        },
        return: () => iterator.return?.() as Promise<IteratorResult<T>>,
        [Symbol.asyncIterator]: () => reading,
      }
      return reading
    }
    return Object.assign(
      by<never>(() => iterator.next() as Promise<never>),
      {
        chunks: () => by(() => output.nextAll()) as AsyncIterable<never[]>,
      },
    )
  }

  /**
   * The reader asks for the next result, so it is done with those before it. Tells the worker when
   * it has them all, which lets a checkpoint begin, and in time for more to come until then.
   */
  #ask(): void {
    const { unread } = this.#output
    const done = this.#received - unread
    const told = this.#told
    if (told !== undefined && (done === told || (unread > 0 && done - told < aheadMax / 2))) return
    this.#told = done
    this.#link.ask(this.#place, done)
  }

  async #leave(): Promise<void> {
    if (this.#link.isOver) return
    const wasLast = await this.#link.call("leave", [this.#place])
    if (wasLast === true) this.#link.end(new MillraceError("CLOSED", "the job is closed"))
  }
}

const nothing = () => undefined

function streamOf(parts: Uint8Array[]): ReadableStream<Uint8Array> {
  parts.reverse()
  return new ReadableStream({
    pull(controller) {
      const part = parts.pop()
      if (part === undefined) controller.close()
      else controller.enqueue(part)
    },
  })
}
