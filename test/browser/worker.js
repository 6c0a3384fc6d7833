/** Running sums in a worker, over what it left in IndexedDB under a name. */
import { from, run, sum } from "./dist/browser.mjs"
import { indexedDbStorage } from "./dist/storage-indexeddb.mjs"
import { serveJob } from "./dist/worker.mjs"

serveJob(({ name, count }, { signal, on }) => {
  const numbers = Array.from({ length: count }, (_, n) => ({ key: n % 10, n }))
  const sums = from(numbers)
    .keyBy("key")
    .aggregate({ sum: sum("n") })
  return run(sums, { storage: indexedDbStorage(name), signal, on })
})
