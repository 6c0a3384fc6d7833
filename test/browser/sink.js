/** A page whose job keeps its state in a database of the page's own, and writes sums there. */
import { from, run, transactionalSink } from "./dist/browser.mjs"
import { indexedDbStorage } from "./dist/storage-indexeddb.mjs"

const openOwn = () =>
  new Promise((resolve, reject) => {
    const request = globalThis.indexedDB.open("own", 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore("millrace")
      request.result.createObjectStore("sums", { autoIncrement: true })
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = reject
  })

/** Numbers that take their time, ten at once. */
const numbers = (count) => ({
  async *read(position = 0) {
    for (let at = position; at < count; at += 10) {
      await new Promise((resolve) => setTimeout(resolve))
      yield { events: Array.from({ length: 10 }, (_, i) => at + i), position: at + 10 }
    }
  },
})

/** The sums of numbers by their last digit; a checkpoint now and then. */
globalThis.writeSums = async (count) => {
  const storage = indexedDbStorage("own", { open: openOwn, stores: ["sums"] })
  const sums = from(numbers(count))
    .keyBy((n) => n % 10)
    .fold(
      () => 0,
      (sum, n) => sum + n,
      { uid: "sums" },
    )
  const sink = transactionalSink(storage, (results, transaction) => {
    const store = transaction.objectStore("sums")
    for (const sum of results) store.put(sum)
  })
  const job = await run(sums.to(sink), { storage, checkpoint: { interval: 20, minPause: 20 } })
  await job.finished()
  await job.close()
}

globalThis.readSums = async () => {
  const own = await openOwn()
  const request = own.transaction("sums").objectStore("sums").getAll()
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = reject
  }).finally(() => own.close())
}
