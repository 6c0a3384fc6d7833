/** Jobs that are held open while others of their kind are measured; see harness.ts. */
import { run, type Stream } from "millrace"

/** Run a job to its end, read all that it gives, and leave it open; gives its closing. */
export async function held<Result>(stream: Stream<Result>): Promise<() => Promise<void>> {
  const job = await run<Result>(stream)
  for await (const result of job) void result
  return () => job.close()
}
