/**
 * What a stream is before it runs: a graph of nodes, each made by one verb, shared by branches.
 *
 * A node only describes. `open` makes the runner that does its work in one job, so a stream can
 * be run many times.
 */
import type { Chunk, Failure } from "./chunk.ts"
import { MillraceError } from "./errors.ts"
import type { Engine } from "./engine/engine.ts"
import type { Operator } from "./engine/operator.ts"
import type { SourceNode } from "./sources/source.ts"
import { later } from "./state/config.ts"
import type { Check } from "./options.ts"

/** Where a runner works. */
export interface Site {
  readonly uid: string
  readonly engine: Engine
  /** Does anybody take what comes out? If not, outputs are only counted. May change. */
  readonly wanted: boolean
}

/** What a runner made of a chunk. */
export interface Ran {
  readonly chunk: Chunk
  /** The first event that it could not take. */
  readonly failure?: Failure | undefined
}

/** A node at work. */
export interface Runner {
  run(chunk: Chunk): Ran
  /** The source has ended: what is left to emit, a bounded part of it; undefined at the end. */
  finish?(): readonly unknown[] | undefined
  /** It will give nothing more, whatever comes. */
  readonly done?: boolean
  /** Its state, if it has any. */
  readonly operator?: Operator
  /** A row of {@link operator} as the user sees it; for `job.state`. */
  readRow?(row: number): unknown
}

/** What a verb made: a step from its inputs to one output. */
export interface OperatorNode {
  readonly kind: string
  readonly inputs: readonly Node[]
  readonly uid?: string | undefined
  /** The state's schema as the manifest saves it; undefined: no state. */
  readonly schema?: StateSchema | undefined
  open(site: Site): Runner
}

export type Node = OperatorNode | SourceNode

/** What a state holds, for telling whether saved state fits. */
export interface StateSchema {
  readonly kind: string
  /** "ref", or name and kind of each field or aggregate. */
  readonly fields: readonly string[]
  /** What the user sees fields as; compared, so that a renamed aggregate is noticed. */
  readonly ttl: boolean
}

/** Options that every operator has. */
export interface OperatorOptions {
  /** Names the state over restarts and code changes. Default: kind and number, as in `fold-1`. */
  readonly uid?: string
  /** What an event does whose function throws. Only "fail" in this version. */
  readonly onError?: "fail"
}

const onErrorOption: Check<"fail"> = (given, name) => {
  if (given === "fail") return given
  return later(given, name)
}

const uidPattern = /^[a-z0-9][a-z0-9._-]{0,63}$/i

const uidOption: Check<string> = (given, name) => {
  if (typeof given === "string" && uidPattern.test(given)) return given
  const wanted = "1 to 64 letters, digits, dots, dashes or underscores"
  throw new MillraceError("OPTION", `${name} must be ${wanted}`)
}

/** The checks of {@link OperatorOptions}, to spread into an operator's own table. */
export const operatorOptions = {
  uid: uidOption,
  name: later,
  onError: onErrorOption,
  errorsTo: later,
  concurrency: later,
  ordered: later,
}

/**
 * The error that a job reports for an event: which operator, which event, and the cause.
 */
export function eventError(uid: string, position: number, error: unknown): MillraceError {
  const where = `${uid}: event ${position}`
  if (error instanceof MillraceError) {
    const said = error.message.startsWith(`${uid}: `)
      ? error.message.slice(uid.length + 2)
      : error.message
    return new MillraceError(error.code, `${where}: ${said}`, { cause: error.cause ?? error })
  }
  const message = `${where}: the function threw ${nameOf(error)}`
  return new MillraceError("USER_FUNCTION", message, { cause: error })
}

/** The class of what was thrown; its message may hold data and stays in `cause`. */
function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : `a ${typeof thrown}`
}
