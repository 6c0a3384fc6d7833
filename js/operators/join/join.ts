/**
 * join: what a function makes of each pair of events of two streams, and of the state of their key.
 *
 *   left  -> \
 *             events that wait for partners, whole in C -> pairs -> function, state of the key
 *   right -> /
 *
 * Two halves, each with rows of its own: the events, which go when no partner can come any more,
 * and the user's state, if it is asked for, which outlives them.
 */
import { MillraceError } from "../../errors.ts"
import type { Failure } from "../../chunk.ts"
import type { Node, OperatorNode, Runner, Site } from "../../graph.ts"
import { nodeOptions, withTag } from "../../graph.ts"
import { wrapEmitted } from "../../on_error.ts"
import { callable, checkOptions } from "../../options.ts"
import { refusePromise } from "../../state/access.ts"
import type { StateAccess } from "../../state/access.ts"
import { noLimits, stateOption } from "../../state/config.ts"
import type { KeyReader } from "../../state/keys.ts"
import { tagOption } from "../../tag.ts"
import type { Tag } from "../../tag.ts"
import { checkEvictedTo } from "../evictions.ts"
import type { EvictedKey } from "../evictions.ts"
import { concurrencyOf, functionOptions } from "../function_options.ts"
import { Instead } from "../instead.ts"
import { openKeyed, schemaOf } from "../keyed.ts"
import type { MakeVerb } from "../keyed.ts"
import type { StatefulOptions } from "../map.ts"
import { Outputs } from "../outputs.ts"
import { JoinRunner, Pair } from "./runner.ts"
import type { JoinPlan } from "./runner.ts"
import { joinSpec } from "./spec.ts"

/** Options of `join`, of events `L` and `R`. */
export interface JoinOptions<
  L = unknown,
  R = unknown,
  K = unknown,
  O = unknown,
> extends StatefulOptions<L | R | Pair<L, R>, K, O> {
  /**
   * Where events go that are behind the watermark of their own source: they are counted, and paired
   * with nothing. Default: they are only counted.
   */
  readonly lateTo?: Tag<L | R>
  /**
   * Where events go that make room for others before their time is over (`state.maxSize` events, of
   * both streams together, or `state.maxBytes`); `state` is the event. Needs `state.onFull:
   * "evict"`, without which a join that is full ends with `LIMIT`.
   */
  readonly evictedTo?: Tag<EvictedKey<K>> | Tag<EvictedKey>
}

/** Options where the function has no state: it is called at once, and gives no promise. */
export type StatelessJoinOptions<L = unknown, R = unknown, K = unknown, O = unknown> = Omit<
  JoinOptions<L, R, K, O>,
  "state" | "concurrency" | "ordered" | "evictedTo"
>

/** What is made of a pair; `S` is the state of the key, of which `get()` gives `G`. */
export type JoinFunction<L, R, S, G, O> = (
  left: L,
  right: R,
  state: StateAccess<S, G>,
) => O | Promise<O>

type UserFunction = JoinFunction<unknown, unknown, unknown, unknown, unknown>
type Stateless = (left: unknown, right: unknown) => unknown

const options = {
  ...functionOptions,
  state: stateOption,
  lateTo: tagOption,
  evictedTo: tagOption,
}

/** A stream of a join, and what its keys are. */
export interface JoinInput {
  readonly node: Node
  readonly read: KeyReader
}

export function joinNode(
  left: JoinInput,
  right: JoinInput,
  ...[spec, f, settings]: readonly unknown[]
): OperatorNode {
  const checkedSpec = joinSpec(spec, "join")
  const fn = callable<UserFunction>()(f, "join")
  const checked = checkOptions(settings, options, "join")
  const { uid, lateTo, evictedTo } = checked
  const setting = checked.state
  for (const name of ["concurrency", "ordered"] as const) {
    if (setting !== undefined || checked[name] === undefined) continue
    const hint = "without state the function gives no promise, see mapAsync"
    throw new MillraceError("OPTION", `join.${name} needs join.state: ${hint}`)
  }
  const { limits = noLimits } = setting ?? {}
  checkEvictedTo(evictedTo, limits, "join")
  const { rowsMax, bytesMax, evict } = limits
  const common = nodeOptions(checked, "join")
  const readers = [left.read, right.read] as const
  const plan: JoinPlan = {
    spec: checkedSpec,
    readers,
    schema: { kind: "joinBuffers", fields: ["ref"], ttl: false },
    limits: { ...noLimits, rowsMax, bytesMax, evict },
    lateTo,
    evictedTo,
  }
  const buffers: OperatorNode = {
    kind: "joinBuffers",
    inputs: [left.node, right.node],
    tellsInputs: true,
    ...withTag(withTag(common, lateTo), evictedTo),
    uid: uid === undefined ? undefined : `${uid}.buffers`,
    onError: wrapEmitted(common.onError, (value) => new Instead(value)),
    keyOf: (event, input) => (readers[input] as KeyReader)(event),
    schema: plan.schema,
    open(site) {
      if (site.eventTime) return new JoinRunner(site, plan)
      const hint = "give both sources a time: from(…, { time })"
      throw new MillraceError("OPTION", `${site.label}: interval needs event time; ${hint}`)
    },
  }
  const readPair: KeyReader = (pair) => (pair instanceof Pair ? left.read(pair.left) : [])
  const half = { kind: "join", inputs: [buffers], ...common, keyOf: readPair, partOf: buffers }
  if (setting === undefined)
    return { ...half, open: (site) => openStateless(site, fn as Stateless) }
  return {
    ...half,
    schema: schemaOf("join", setting),
    open: (site) => openKeyed(site, readPair, setting, verbOf(fn), concurrencyOf(checked)),
  }
}

function openStateless(site: Site, fn: Stateless): Runner {
  return {
    run(chunk, tolerate) {
      const out = new Outputs(chunk, site.wanted)
      let failure: Failure | undefined
      for (let i = 0; i < chunk.values.length && failure === undefined; i++) {
        const value = chunk.values[i] as Pair | Instead
        try {
          const result = value instanceof Pair ? fn(value.left, value.right) : value.value
          refusePromise(result)
          if (result !== undefined || value instanceof Instead) out.add(result, i)
        } catch (error) {
          failure = out.dealt(tolerate, i, error)
        }
      }
      return { chunk: out.chunk(), failure }
    },
  }
}

function verbOf(fn: UserFunction): MakeVerb {
  return (access, state) => ({
    call: (value) => (value instanceof Pair ? fn(value.left, value.right, state) : value),
    accept(result, _, index, out) {
      if (result instanceof Instead) out.add(result.value, index)
      else if (result !== undefined) out.add(access.plain(result), index)
    },
  })
}
