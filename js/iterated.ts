/**
 * Streams as they are read: by a sink in a job, or by a job of their own, in memory.
 *
 * It is what stream.ts stands on, which alone imports it, as it needs the jobs that need streams.
 */
import { Gathered } from "./gathered.ts"
import type { Node } from "./graph.ts"
import { runAlone } from "./handles.ts"
import { Delivery } from "./sinks/sink.ts"
import type { Sink } from "./sinks/sink.ts"

/** Any stream of these events; every `Stream` is one. */
export interface StreamOf<out T> {
  /** The last step; for `run`. */
  readonly node: Node
  /** Only the type of an event; there is no value. */
  readonly event: T
}

/** What every `Stream` has to be read by. */
export class Iterated<T> implements AsyncIterable<T>, StreamOf<T> {
  readonly node: Node
  declare readonly event: T

  constructor(node: Node) {
    this.node = node
  }

  /**
   * Give the results to a sink, in a job: `run(stream.to(sink), { storage })`. It takes them from
   * the first pull or `finished()` on, and has its part in every checkpoint.
   *
   * @throws {MillraceError} `OPTION` for what is no sink.
   */
  to(sink: Sink<T>): Delivery {
    return new Delivery(this.node, sink)
  }

  /** Run in memory and gather all results. */
  async toArray(): Promise<T[]> {
    const iterator = runAlone(this.node)
    const results = new Gathered()
    for (;;) {
      const { done, value } = await iterator.nextAll()
      if (done === true) return results.all() as T[]
      results.add(value)
    }
  }

  /** Run in memory; the results that are ready come together, as arrays that are never empty. */
  async *chunks(): AsyncGenerator<readonly T[], undefined> {
    const iterator = runAlone(this.node)
    try {
      for (;;) {
        const { done, value } = await iterator.nextAll()
        if (done === true) return
        yield value.slice() as T[]
      }
    } finally {
      await iterator.return?.()
    }
  }

  /** Run in memory as a web stream, which pulls as it is read; cancelling it ends the job. */
  toReadableStream(): ReadableStream<T> {
    const iterator = runAlone(this.node)
    return new ReadableStream<T>(
      {
        async pull(controller) {
          const step = await iterator.next()
          if (step.done === true) controller.close()
          else controller.enqueue(step.value as T)
        },
        cancel: async () => void (await iterator.return?.()),
      },
      { highWaterMark: 0 },
    )
  }

  /** Run in memory and call the function with each result; a promise it returns is awaited. */
  async forEach(f: (result: T) => unknown): Promise<void> {
    for await (const result of this) await f(result)
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    return runAlone(this.node) as AsyncIterableIterator<T, undefined>
  }
}
