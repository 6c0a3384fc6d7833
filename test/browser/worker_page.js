/**
 * A page whose job runs in a worker: it shows the sums. With "?stop" and nothing left it stops in
 * the middle, after a checkpoint and a little more.
 */
import { startJob } from "./dist/worker.mjs"

async function main() {
  const saved = []
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" })
  const job = await startJob(worker, {
    input: { name: location.pathname.slice(1), count: 30_000 },
    on: { checkpoint: ({ epoch }) => saved.push(epoch) },
  })
  const { position = 0 } = (await job.stats()).restored ?? {}
  const sums = []
  const results = job[Symbol.asyncIterator]()
  const pull = async () => {
    const { value, done } = await results.next()
    if (!done) sums.push(value.sum)
    return !done
  }

  if (location.search === "?stop" && position === 0) {
    while (sums.length < 1000) await pull()
    let done = false
    const saving = job.checkpoint().then(() => (done = true))
    while (!done && (await pull())) if (sums.length % 128 === 0) await turn()
    await saving
    for (let more = 0; more < 100; more++) await pull()
  } else {
    while (await pull());
    await job.close()
  }
  return { position, sums, saved }
}

const turn = () => new Promise((resolve) => setTimeout(resolve))

const shown = document.createElement("output")
const failed = ({ code, message }) => ({ code, message })
shown.textContent = JSON.stringify(await main().catch(failed))
document.body.append(shown)
