/**
 * What the general runner of windows is told: how windows come about, and what they give.
 */
import type { StateLimits } from "../../engine/operator.ts"
import type { Site, StateSchema } from "../../graph.ts"
import type { Tracing } from "../../state/trace.ts"
import type { Emitted } from "../../sides.ts"
import type { NamedState } from "../../states.ts"
import type { AnyTag } from "../../tag.ts"
import type { WindowRange } from "../../windows/assigner.ts"
import type { Evictor, Trigger } from "../../windows/trigger.ts"
import type { Evictions } from "../evictions.ts"
import type { FireView } from "./context.ts"
import type { Contents } from "./contents.ts"
import type { Pane, Placing } from "./panes.ts"

export interface WindowPlan {
  readonly placing: Placing
  /** Undefined: windows of a number of events emit when they are full. */
  readonly trigger: Trigger<never> | undefined
  readonly evictor: Evictor | undefined
  readonly latenessMs: number
  readonly lateTo: AnyTag | undefined
  /** Does every event emit? */
  readonly updates: boolean
  /** Does a window emit once, when it closes? */
  readonly final: boolean
  /** Does what was emitted go? */
  readonly discards: boolean
  readonly limits: StateLimits
  readonly schema: StateSchema
  openEmitter(site: Site): Emitter
}

/** One window that emits. */
export interface Fire extends FireView {
  readonly range: WindowRange
  readonly revision: number
  /** The time of what it gives. */
  readonly time: number
}

/** What a window keeps, and what it gives. */
export interface Emitter {
  readonly contents: Contents
  readonly states: readonly NamedState[]
  /** Emit. What it does to state counts at {@link commit}. */
  emit(pane: Pane, data: unknown, fire: Fire, out: Emitted): void
  commit(position: number): void
  abandon(): void
  /** Who is told of state that made room for other keys. */
  readonly evictions?: Evictions
  trace?(tracing: Tracing | undefined): void
}
