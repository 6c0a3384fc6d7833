/**
 * fold and reduce: the state of a key is what the function made of its events so far, and every
 * event emits it. What is emitted is a copy, so that a later event cannot change an earlier result.
 */
import { copyOf } from "../copy.ts"
import { MillraceError } from "../errors.ts"
import type { Node, OperatorNode } from "../graph.ts"
import { nodeOptions } from "../graph.ts"
import { callable, checkOptions } from "../options.ts"
import type { Access, StateAccess } from "../state/access.ts"
import { noLimits, stateOption } from "../state/config.ts"
import type { StateConfig, StateSetting } from "../state/config.ts"
import type { KeyReader } from "../state/keys.ts"
import { RecordType } from "../state/record.ts"
import { openKeyed, schemaOf } from "./keyed.ts"
import type { MakeVerb } from "./keyed.ts"
import { concurrencyOf, functionOptions } from "./function_options.ts"
import type { FunctionOptions } from "./function_options.ts"
import type { Sink } from "./seats.ts"

/** Options of `fold` and `reduce`. */
export interface FoldOptions<T = unknown, K = unknown, O = unknown> extends FunctionOptions<
  T,
  K,
  O
> {
  /** The state's limits and ttl; its default is the fold's own. */
  readonly state?: StateConfig
}

type Fold = (acc: unknown, event: unknown, state: StateAccess<unknown, unknown>) => unknown

const options = { ...functionOptions, state: stateOption }

/** `fold(initial, f)`: `initial` makes the state of a key before its first event. */
export function foldNode(
  input: Node,
  read: KeyReader,
  initial: unknown,
  given: unknown,
  settings?: object,
): OperatorNode {
  const fn = callable<Fold>()(given, "fold")
  return node("fold", input, read, initial, settings, (access, state) => ({
    call: (value) => fn(access.get(), value, state),
    accept: (next, _, index, out) => keep(access, next, index, out),
  }))
}

/**
 * `reduce(f)`, and `scan(f)`, which is the same without a key: the first event of a key is its
 * first state. With `initial`, which comes before the options, as fold.
 */
export function reduceNode(
  kind: "reduce" | "scan",
  input: Node,
  read: KeyReader,
  given: unknown,
  ...rest: readonly unknown[]
): OperatorNode {
  const seeded = typeof rest[0] === "function" || rest[0] instanceof RecordType
  const initial = seeded ? rest[0] : undefined
  const settings = (seeded ? rest[1] : (rest[0] ?? rest[1])) as object | undefined
  const fn = callable<(acc: unknown, event: unknown) => unknown>()(given, kind)
  return node(kind, input, read, initial, settings, (access) => ({
    call: (value) => (seeded || access.exists() ? fn(access.get(), value) : copyOf(value)),
    accept: (next, _, index, out) => keep(access, next, index, out),
  }))
}

/** Keep the new state and emit a copy of it; one that nobody wants is not made. */
function keep(access: Access, value: unknown, index: number, out: Sink): void {
  access.set(value)
  if (!out.wanted) return out.add(undefined, index)
  const plain = access.plain(value)
  out.add(plain === value ? copyOf(plain) : plain, index)
}

function settingOf(kind: string, initial: unknown, given: StateSetting | undefined): StateSetting {
  const setting: StateSetting = given ?? { limits: noLimits, value: undefined }
  if (setting.value !== undefined) {
    const hint = `pass it as ${kind}'s initial value`
    throw new MillraceError("STATE_CONFIG", `${kind}.state has no value of its own; ${hint}`)
  }
  if (initial === undefined && kind !== "fold") return setting
  if (initial instanceof RecordType) return { ...setting, value: initial }
  return { ...setting, value: callable<() => unknown>()(initial, `${kind}.initial`) }
}

function node(
  kind: string,
  input: Node,
  read: KeyReader,
  initial: unknown,
  given: object | undefined,
  makeVerb: MakeVerb,
): OperatorNode {
  const checked = checkOptions(given, options, kind)
  const setting = settingOf(kind, initial, checked.state)
  return {
    kind,
    inputs: [input],
    ...nodeOptions(checked, kind),
    keyOf: read,
    schema: schemaOf(kind, setting),
    open: (site) => openKeyed(site, read, setting, makeVerb, concurrencyOf(checked)),
  }
}
