/** What users write of jobs in workers must compile, and what is wrong must not. */
import type { Worker as Thread } from "node:worker_threads"
import { count, from, outputTag, run } from "../js/index.ts"
import { serveJob, startJob } from "../js/worker/index.ts"
import type { RemoteJob, RemoteOf } from "../js/worker/index.ts"
import { exactly } from "./exactly.ts"

interface Input {
  readonly words: string[]
  readonly port?: MessagePort
}
declare const worker: Worker
declare const thread: Thread
declare const port: MessagePort
const late = outputTag<Input>("late")

const ofWords = (words: string[]) =>
  from(words)
    .keyBy((word) => word)
    .aggregate({ n: count() })

export const served = serveJob(
  ({ words }: Input, { signal, on }) => run(ofWords(words), { signal, on }),
  {
    requests: {
      often: ({ least }: { least: number }, job) => job.state("words").entries().slice(least),
      async rename(to: string) {
        return to.length
      },
      pause: () => true,
    },
  },
)

export const several = serveJob(async () => {
  const words = from(["a"])
  return run({ words, lengths: words.map((word) => word.length) })
})

export async function page(): Promise<void> {
  const job = await startJob<typeof served>(worker, { input: { words: [] }, transfer: [port] })
  for await (const row of job) exactly<string>()(row.key, true)
  for await (const rows of job.chunks()) exactly<number | undefined>()(rows[0]?.n, true)
  for await (const input of job.output(late)) exactly<Input>()(input, true)
  exactly<Record<string, unknown>[]>()(await job.request("often", { least: 2 }), true)
  exactly<number>()(await job.request("rename", "x"), true)
  exactly<boolean>()(await job.request("pause"), true)
  exactly<number>()((await job.stats()).events, true)
  // @ts-expect-error there must be a value
  await job.request("often")
  // @ts-expect-error it has another type
  await job.request("often", { most: 2 })
  // @ts-expect-error it is not answered
  await job.request("seldom", 1)
  // @ts-expect-error there is one output, without a name
  job.output("out")
  // @ts-expect-error it takes an input
  await startJob<typeof served>(worker)
  // @ts-expect-error of another type
  await startJob<typeof served>(worker, { input: ["a"] })
  // @ts-expect-error it is no option
  await startJob(worker, { name: "a" })
}

export async function others(): Promise<void> {
  const job = await startJob<typeof several>(thread)
  for await (const length of job.output("lengths")) exactly<number>()(length, true)
  // @ts-expect-error there is no such output
  job.output("word")
  // @ts-expect-error it has several outputs
  void job.chunks
  const untyped = await startJob(port, { input: 1 })
  for await (const row of untyped) exactly<unknown>()(row, true)
  exactly<unknown>()(await untyped.request("any", 1), true)
  for await (const row of untyped.output("any")) exactly<unknown>()(row, true)
}

/** Named, for those who pass it on. */
export type Words = RemoteOf<typeof served>
export const wider = (job: Words): RemoteJob<{ readonly key: string; readonly n: number }> => job

// @ts-expect-error it gives no job
serveJob(() => 1)
// @ts-expect-error it is no option
serveJob(() => run(from([1])), { request: {} })
// @ts-expect-error it is no worker
void startJob("worker.js")
