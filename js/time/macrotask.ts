/**
 * One turn of the event loop: timers, input and output get their chance before `run` is called.
 */

/** Call `run` in a later turn, as soon as there is one. */
export const macrotask: (run: () => void) => void = pickMacrotask()

function pickMacrotask(): (run: () => void) => void {
  if (typeof setImmediate === "function") return (run) => void setImmediate(run)
  if (typeof MessageChannel === "function") {
    return (run) => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => {
        port1.close()
        run()
      }
      port2.postMessage(undefined)
    }
  }
  return (run) => void setTimeout(run, 0)
}

/** Wait for one turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void macrotask(resolve))
}
