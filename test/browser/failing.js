/** A worker that fails in the way that is asked for: at once, or when it is told to. */
import { from, run } from "./dist/browser.mjs"
import { serveJob } from "./dist/worker.mjs"

const how = location.search.slice(1)
if (how === "throws") throw new RangeError("at once")
if (how === "rejects") await Promise.reject(new RangeError("at once"))
if (how === "waits") await new Promise(() => undefined)

const requests = {
  fail: () =>
    new Promise(() => {
      setTimeout(() => {
        throw new RangeError("later")
      })
    }),
  end: () => new Promise(() => globalThis.close()),
}

serveJob(() => run(from({ [Symbol.asyncIterator]: () => ({ next: () => never }) })), { requests })

const never = new Promise(() => undefined)
