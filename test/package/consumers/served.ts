/** In a worker: runs the program, and a job that gives its rows. */
import { from, run } from "millrace"
import { serveJob } from "millrace/worker"
import { program } from "./program.ts"

const done = program()

export const served = serveJob(async () => run(from((await done).rows)), {
  requests: { position: async () => (await done).position },
})
