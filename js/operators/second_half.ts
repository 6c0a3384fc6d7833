/**
 * Operators of two halves: the second is the user's function, called with what the first makes of
 * events, and with the state of the key, if there is one.
 */
import type { Failure } from "../chunk.ts"
import { MillraceError } from "../errors.ts"
import type { Runner, Site } from "../graph.ts"
import { wrapEmitted } from "../on_error.ts"
import type { ErrorPolicy } from "../on_error.ts"
import { refusePromise } from "../state/access.ts"
import type { UserState } from "../state/access.ts"
import type { MakeVerb } from "./keyed.ts"
import { Outputs } from "./outputs.ts"

/** What `onError` of the first half emits instead of an event: the second lets it pass. */
export class Instead {
  readonly value: unknown

  constructor(value: unknown) {
    this.value = value
  }
}

/** The policy of the first half. */
export function emitInstead(policy: ErrorPolicy | undefined): ErrorPolicy | undefined {
  return wrapEmitted(policy, (value) => new Instead(value))
}

/** Throws `OPTION` for what only functions have that may give promises: those with state. */
export function refuseConcurrency(
  checked: { readonly concurrency?: unknown; readonly ordered?: unknown },
  where: string,
): void {
  for (const name of ["concurrency", "ordered"] as const) {
    if (checked[name] === undefined) continue
    const hint = "without state the function gives no promise, see mapAsync"
    throw new MillraceError("OPTION", `${where}.${name} needs ${where}.state: ${hint}`)
  }
}

/** A function with the state of the key; `undefined` emits nothing. */
export function verbOf(call: (value: unknown, state: UserState) => unknown): MakeVerb {
  return (access, state) => ({
    call: (value) => (value instanceof Instead ? value : call(value, state)),
    accept(result, _, index, out) {
      if (result instanceof Instead) out.add(result.value, index)
      else if (result !== undefined) out.add(access.plain(result), index)
    },
  })
}

/** A function without state, called at once; `undefined` emits nothing. */
export function openStateless(site: Site, call: (value: unknown) => unknown): Runner {
  return {
    run(chunk, tolerate) {
      const out = new Outputs(chunk, site.wanted)
      let failure: Failure | undefined
      for (let i = 0; i < chunk.values.length && failure === undefined; i++) {
        const value = chunk.values[i]
        try {
          if (value instanceof Instead) {
            out.add(value.value, i)
            continue
          }
          const result = call(value)
          refusePromise(result)
          if (result !== undefined) out.add(result, i)
        } catch (error) {
          failure = out.dealt(tolerate, i, error)
        }
      }
      return { chunk: out.chunk(), failure }
    },
  }
}
