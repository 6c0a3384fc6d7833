/**
 * fold and reduce: the state of a key is what the function made of its events so far, and every
 * event emits it. What is emitted is a copy, so that a later event cannot change an earlier result.
 */
import { copyOf } from "../copy.ts"
import { MillraceError } from "../errors.ts"
import type { Node, OperatorNode, OperatorOptions } from "../graph.ts"
import { operatorOptions } from "../graph.ts"
import { callable, checkOptions } from "../options.ts"
import { refusePromise } from "../state/access.ts"
import type { Access, StateAccess } from "../state/access.ts"
import { noLimits, stateOption } from "../state/config.ts"
import type { StateConfig, StateSetting } from "../state/config.ts"
import type { KeyReader } from "../state/keys.ts"
import { RecordType } from "../state/record.ts"
import { openKeyed, schemaOf } from "./keyed.ts"
import type { MakeCall } from "./keyed.ts"
import type { Outputs } from "./outputs.ts"

/** Options of `fold` and `reduce`. */
export interface FoldOptions extends OperatorOptions {
  /** The state's limits and ttl; its default is the fold's own. */
  readonly state?: StateConfig
}

type Fold = (acc: unknown, event: unknown, state: StateAccess<unknown, unknown>) => unknown

const options = { ...operatorOptions, state: stateOption }

/** `fold(initial, f)`: `initial` makes the state of a key before its first event. */
export function foldNode(
  input: Node,
  read: KeyReader,
  initial: unknown,
  given: unknown,
  settings?: FoldOptions,
): OperatorNode {
  const fn = callable<Fold>()(given, "fold")
  const setting = settingOf("fold", initial, settings)
  return node("fold", input, read, setting, settings, (access, state) => {
    return (value, index, out) => {
      const next = fn(access.get(), value, state)
      refusePromise(next)
      access.set(next)
      emit(access, next, index, out)
    }
  })
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
  const settings = (seeded ? rest[1] : (rest[0] ?? rest[1])) as FoldOptions | undefined
  const fn = callable<(acc: unknown, event: unknown) => unknown>()(given, kind)
  const setting = settingOf(kind, initial, settings)
  return node(kind, input, read, setting, settings, (access) => {
    return (value, index, out) => {
      const next = seeded || access.exists() ? fn(access.get(), value) : copyOf(value)
      refusePromise(next)
      access.set(next)
      emit(access, next, index, out)
    }
  })
}

/** Emit a copy; one that nobody wants is not made. */
function emit(access: Access, value: unknown, index: number, out: Outputs): void {
  if (!out.wanted) return out.add(undefined, index)
  const plain = access.plain(value)
  out.add(plain === value ? copyOf(plain) : plain, index)
}

function settingOf(kind: string, initial: unknown, given: FoldOptions | undefined): StateSetting {
  const { limits, value } = checkOptions(given, options, kind).state ?? {
    limits: noLimits,
    value: undefined,
  }
  if (value !== undefined) {
    const hint = `pass it as ${kind}'s initial value`
    throw new MillraceError("STATE_CONFIG", `${kind}.state has no value of its own; ${hint}`)
  }
  if (initial === undefined && kind !== "fold") return { limits, value: undefined }
  if (initial instanceof RecordType) return { limits, value: initial }
  return { limits, value: callable<() => unknown>()(initial, `${kind}.initial`) }
}

function node(
  kind: string,
  input: Node,
  read: KeyReader,
  setting: StateSetting,
  given: FoldOptions | undefined,
  makeCall: MakeCall,
): OperatorNode {
  return {
    kind,
    inputs: [input],
    uid: given?.uid,
    schema: schemaOf(kind, setting),
    open: (site) => openKeyed(site, read, setting, makeCall),
  }
}
