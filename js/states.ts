/**
 * The states of a node at work: each the rows of one C operator, with a name.
 *
 * Most nodes have one state, which needs no name: it is saved, counted and looked at by the node's
 * uid alone. Others have several; each is `uid/name` to the user and to what is saved.
 */
import type { Operator } from "./engine/operator.ts"
import type { Flow } from "./flow.ts"
import type { Runner, StateSchema } from "./graph.ts"
import type { Planned } from "./plan.ts"
import type { KeyValue } from "./state/key_bytes.ts"
import type { Clock } from "./time/clock.ts"

/** How `job.explain` tells of rows that `job.state` does not show. */
export interface ToldRows {
  /** The keys that a key of events has its rows under. */
  keysOf(this: void, key: KeyValue): readonly KeyValue[]
  /** A row under one of these keys, and its own. */
  tell(this: void, row: number, key: KeyValue, entry: KeyValue | undefined): ToldRow
}

/** A row as plain data: events that wait for partners or for their time, or that matches have. */
export interface ToldRow {
  readonly list: "buffered" | "matches"
  readonly events: readonly object[]
}

/** One of the states of a runner. */
export interface NamedState {
  /** "" for the state that needs no name. */
  readonly name: string
  readonly schema: StateSchema
  readonly operator: Operator
  /** A row as the user sees it; undefined: the state is not shown to anybody. */
  readRow?(row: number): unknown
  readonly told?: ToldRows
}

/** A state with the node that it belongs to. */
export interface HomedState {
  readonly planned: Planned
  readonly state: NamedState
  /** What the user calls it. */
  readonly path: string
}

/** The path of a state: `uid`, or `uid/name`. */
export function pathOf(uid: string, name: string | undefined): string {
  return name === undefined || name === "" ? uid : `${uid}/${name}`
}

/** The states of a node; of one that has a single state, as the runner shows it. */
export function statesOf({ node }: Planned, runner: Runner | undefined): readonly NamedState[] {
  if (runner?.states !== undefined) return runner.states
  const { operator } = runner ?? {}
  if (runner === undefined || operator === undefined) return []
  const schema = node.schema ?? { kind: node.kind, fields: [], ttl: false }
  const readRow = (row: number) => runner.readRow?.(row)
  return [{ name: "", schema, operator, readRow }]
}

/**
 * The time that decides what has expired: the watermark, or now. A look frees what has expired,
 * so it must never be later than the clock of an event that may still come.
 */
export function timeOf({ planned, state }: HomedState, flow: Flow, clock: Clock): number {
  if (!planned.eventTime || state.operator.input.processing) return flow.passedMs(clock.now())
  return flow.progress.lastAt(planned)
}

/** All states of a flow, in the order of the plan. */
export function statesIn(flow: Flow): HomedState[] {
  return flow.steps.flatMap(({ planned, runner }) =>
    statesOf(planned, runner).map((state) => {
      return { planned, state, path: pathOf(planned.uid, state.name) }
    }),
  )
}
