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

/** Let the event loop have a turn. */
export function turn(): Promise<void> {
  return new Promise<void>((resolve) => void macrotask(resolve))
}

/** Steps, and milliseconds, after which the event loop gets a turn. */
const stepsPerTurn = 64
const msPerTurn = 12

/** Lets a long loop stop for a turn of the event loop now and then. */
export class Breath {
  /** Stays for good, as in passage.ts. */
  static readonly lasting = new Breath()
  #steps = 0
  #since = performance.now()

  /** Asked once per step: has the loop gone on for long enough? While `others` work, after each. */
  isDue(others = false): boolean {
    const steps = this.#steps++
    if (others && steps > 0) return true
    return steps + 1 >= stepsPerTurn || performance.now() - this.#since > msPerTurn
  }

  async take(): Promise<void> {
    await turn()
    this.#steps = 0
    this.#since = performance.now()
  }
}
