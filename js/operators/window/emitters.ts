/**
 * What windows give: what a function makes of all their events, or one value made step by step.
 */
import { copyOf } from "../../copy.ts"
import { MillraceError } from "../../errors.ts"
import type { Site } from "../../graph.ts"
import { closed, refusePromise } from "../../state/access.ts"
import type { StateAccess, UserState } from "../../state/access.ts"
import type { StateSetting } from "../../state/config.ts"
import type { Tracing } from "../../state/trace.ts"
import type { Emitted } from "../../sides.ts"
import type { NamedState } from "../../states.ts"
import { tagOption } from "../../tag.ts"
import type { AnyTag, Tag } from "../../tag.ts"
import type { WindowRange } from "../../windows/assigner.ts"
import type { Evictions } from "../evictions.ts"
import { keptContents, reducedContents, reduceOf } from "./contents.ts"
import type { Contents, Kept, Reducer } from "./contents.ts"
import type { Pane } from "./panes.ts"
import type { Emitter, Fire } from "./plan.ts"
import { WindowState } from "./state.ts"

/** What the function of a window sees besides its events. */
export interface WindowContext<K = unknown> {
  readonly key: K
  readonly window: WindowRange
  /** How often the window has emitted before: 0, unless it emits more than once. */
  readonly revision: number
  /** The watermark; under processing time the time of arrival. Infinity at the source's end. */
  readonly watermark: number
  /** The time of arrival. */
  readonly now: number
  /** Send a value to a side output; the tag stands in the options' `outputs`. */
  output<X>(tag: Tag<X>, value: X): void
}

export type WindowFunction = (
  events: readonly unknown[],
  state: StateAccess<unknown, unknown>,
  ctx: WindowContext,
) => unknown

const nothing = () => undefined

/** The function sees the events of the window, and state that the key keeps beyond it. */
export class ProcessEmitter implements Emitter {
  readonly contents: Contents
  readonly states: readonly NamedState[]
  readonly #fn: WindowFunction
  readonly #state: WindowState
  readonly #tags: readonly AnyTag[]

  constructor(
    site: Site,
    fn: WindowFunction,
    setting: StateSetting,
    tags: readonly AnyTag[],
    ordered: boolean,
  ) {
    this.#fn = fn
    this.#state = new WindowState(site, setting)
    this.#tags = tags
    this.contents = keptContents(ordered, nothing)
    this.states = [this.#state.named]
  }

  emit(_: Pane, data: unknown, fire: Fire, out: Emitted): void {
    const call = (ctx: WindowContext) =>
      this.#state.call(fire, (state: UserState) => this.#fn((data as Kept).events, state, ctx))
    emitResult(call, fire, this.#tags, out)
  }

  commit(position: number): void {
    this.#state.commit(position)
  }

  get evictions(): Evictions {
    return this.#state.evictions
  }

  abandon(): void {
    this.#state.abandon()
  }

  trace(tracing: Tracing | undefined): void {
    this.#state.trace(tracing)
  }
}

/** Call a function for a window; what it gives goes out, and what it sends to these tags. */
export function emitResult(
  fn: (ctx: WindowContext) => unknown,
  { keyOf, range, revision, watermark, now }: Fire,
  tags: readonly AnyTag[],
  out: Emitted,
): void {
  let open = true
  const output = (tag: unknown, value: unknown) => {
    if (!open) throw closed()
    out.add(value, knownOf(tags, tag))
  }
  const result = fn({ key: keyOf(), window: range, revision, watermark, now, output })
  open = false
  refusePromise(result)
  if (result !== undefined) out.add(result)
}

/** A tag that the operator sends to. Throws `OPTION`. */
function knownOf(tags: readonly AnyTag[], tag: unknown): AnyTag {
  const known = tagOption(tag, "ctx.output")
  if (tags.includes(known)) return known
  const hint = "name it in the options' outputs"
  throw new MillraceError("OPTION", `the operator has no side output ${known.name}; ${hint}`)
}

/** What a function makes of the events, two at a time. */
export class ReduceEmitter implements Emitter {
  readonly contents: Contents
  readonly states: readonly NamedState[] = []
  readonly #reducer: Reducer

  constructor(reducer: Reducer, keeps: boolean, ordered: boolean) {
    this.#reducer = reducer
    this.contents = keeps ? keptContents(ordered, nothing) : reducedContents(reducer)
  }

  emit(_: Pane, data: unknown, __: Fire, out: Emitted): void {
    const value = this.contents.keeps
      ? reduceOf(this.#reducer, (data as Kept).events)
      : copyOf((data as { readonly value: unknown }).value)
    out.add(value)
  }

  commit = nothing
  abandon = nothing
}
