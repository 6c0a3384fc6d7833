/** What tests of jobs behind a MessageChannel have in common. */
import { onTestFinished } from "vitest"
import { from } from "../js/index.ts"
import type { Replayable } from "../js/index.ts"
import { startJob } from "../js/worker/index.ts"
import type { AnyServed, RemoteOf, WorkerPort } from "../js/worker/index.ts"
import type { ToPage } from "../js/worker/wire.ts"

/** Both ends of a channel, which is closed after the test, and what the worker has sent. */
export function channel() {
  const { port1: worker, port2: page } = new MessageChannel()
  onTestFinished(() => {
    for (const port of [worker, page]) port.close()
  })
  const sent: ToPage[] = []
  page.addEventListener("message", ({ data }) => void sent.push(data as ToPage))
  return { worker, page, sent }
}

/** A job with the types of what is served. */
export function startServed<S extends AnyServed>(
  _served: S,
  page: WorkerPort,
  ...options: Parameters<typeof startJob<S>> extends [WorkerPort, ...infer Options] ? Options : []
): Promise<RemoteOf<S>> {
  return startJob<S>(page, ...(options as never))
}

export const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => from + n)

/** Numbers that pass a state, so that a checkpoint has something to save. */
export const passing = (source: Replayable<number, number>) =>
  from(source)
    .keyBy((n) => n % 10)
    .map((n, state) => (state.set(n), n), { uid: "last", state: { value: () => 0 } })
