/**
 * A page that runs the smoke test's program over what it left in IndexedDB, and shows the rows.
 * With "?stop" and nothing left it stops in the middle: after a checkpoint and a little more. With
 * "?slow" it takes its time, and a checkpoint whenever it can. `saved` has their epochs, and
 * `restored` the one that it goes on from. With "#turn" it waits until no other such tab is there.
 */
import * as millrace from "./dist/browser.mjs"
import { indexedDbStorage } from "./dist/storage-indexeddb.mjs"
import { rowsOf, streamsOf } from "./smoke.js"

async function main() {
  const orders = await (await fetch("orders.json")).json()
  const slow = location.search === "?slow"
  globalThis.saved = []
  const job = await millrace.run(streamsOf(millrace, orders), {
    storage: indexedDbStorage(location.pathname.slice(1)),
    chunkSize: slow ? 8 : 64,
    checkpoint: slow ? { interval: 100 } : {},
    on: { checkpoint: ({ epoch }) => globalThis.saved.push(epoch) },
  })
  const { position = 0, epoch = 0 } = job.stats().restored ?? {}
  globalThis.restored = epoch
  const rows = []
  const results = rowsOf(job)
  const pull = async () => {
    const { value, done } = await results.next()
    if (!done) rows.push(value)
    return !done
  }

  if (location.search === "?stop" && position === 0) {
    while (rows.length < 1000) await pull()
    let saved = false
    const saving = job.checkpoint().then(() => (saved = true))
    while (!saved && (await pull())) await new Promise((resolve) => setTimeout(resolve))
    await saving
    for (let more = 0; more < 100; more++) await pull()
  } else {
    while (await pull()) if (slow) await new Promise((resolve) => setTimeout(resolve, 20))
    await job.close()
  }
  return { position, rows }
}

/** Held until the tab is closed. */
const turn = () =>
  new Promise((resolve) => {
    const hold = () => new Promise(() => resolve())
    navigator.locks.request("turn", hold)
  })

const shown = document.createElement("output")
const ready = location.hash === "#turn" ? turn() : Promise.resolve()
const failed = ({ code, message }) => ({ code, message })
shown.textContent = JSON.stringify(await ready.then(main).catch(failed))
document.body.append(shown)
