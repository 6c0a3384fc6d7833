/**
 * How the operators of the model tests run their functions: at once or by promises, and what errors
 * do.
 */
import type { ErrorAnswer } from "../js/index.ts"
import type { Op } from "./deeds.ts"

export interface How {
  readonly onError?: "fail" | "skip" | "emit"
  readonly waits?: boolean
  readonly concurrency?: number
  readonly ordered?: boolean
}

/** What an event gives whose error is answered by `emit`. */
export const instead = { instead: true }

/** The options that an operator gets. */
export function optionsOf({ onError, concurrency, ordered }: How) {
  const answer = (): ErrorAnswer<never> => ({ emit: instead as never })
  return {
    ...(onError === undefined ? {} : { onError: onError === "emit" ? answer : onError }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(ordered === undefined ? {} : { ordered }),
  }
}

/** The same of an operator without a function. */
export function errorsOf({ onError }: How) {
  return optionsOf(onError === undefined ? {} : { onError })
}

/** A while, longer for some events than for those that come after them. */
async function pause(i: number): Promise<void> {
  for (let turn = (i * 7) % 4; turn >= 0; turn--) {
    if (turn % 2 === 0) await Promise.resolve()
    else await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The function itself, or one that does the same and gives a promise for two events of three. */
export function waiting<Given extends readonly unknown[]>(
  { waits }: How,
  opOf: (given: readonly unknown[]) => Op,
  f: (...given: Given) => unknown,
): (...given: Given) => never {
  const wait = async (i: number, given: Given) => {
    if (i % 3 === 1) await pause(i)
    const result = f(...given)
    if (i % 3 === 2) await pause(i)
    return result
  }
  return (...given) => {
    const { i } = opOf(given)
    return (waits === true && i % 3 > 0 ? wait(i, given) : f(...given)) as never
  }
}
