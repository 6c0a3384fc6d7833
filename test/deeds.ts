/**
 * What the events of the model tests ask for, and the user functions that do it; shared by both
 * sides of a comparison.
 */
import { record } from "../js/index.ts"
import type { KeyValue, StateAccess } from "../js/index.ts"

/** What a call does with its state. */
export const deeds = [
  "get",
  "add",
  "set",
  "delete",
  "exists",
  "none",
  "setDelete",
  "deleteSet",
] as const

/** An event of the model tests. */
export interface Op {
  readonly i: number
  readonly key: KeyValue
  readonly deed: (typeof deeds)[number]
  readonly n: number
  readonly value: number | bigint | null
  readonly at: number
  /** It never comes to the operator, but its time does. */
  readonly lost?: "filtered" | "unkeyed" | undefined
  /** The function throws once it has done its deed. */
  readonly fails?: boolean
}

/** State that is an object. */
export interface Count {
  total: number
}

/** Throw if the event says so. */
export function fail(op: Op): void {
  if (op.fails) throw new Error("as the script says")
}

/** Any deed on state that is an object; what comes out tells what was seen. */
export function actOnObject(op: Op, given: unknown): unknown {
  const state = given as StateAccess<Count, Count>
  const add = (current: Count) => ({ total: current.total + op.n })
  let seen: unknown
  if (op.deed === "get") seen = { ...state.get() }
  else if (op.deed === "add") seen = { ...state.update(add) }
  else if (op.deed === "exists") seen = state.exists()
  else if (op.deed === "set") state.set({ total: op.n })
  else if (op.deed !== "none") {
    if (op.deed === "deleteSet") state.delete()
    if (op.deed !== "delete") state.set({ total: -op.n })
    if (op.deed !== "deleteSet") state.delete()
    seen = [state.exists(), state.get().total]
  }
  fail(op)
  return [op.i, seen]
}

export const fields = record({
  n: "f64",
  big: "i64",
  flag: "bool",
  at: "timestamp",
  text: "string",
})
export const blank = { n: 0, big: 0n, flag: false, at: 0, text: "" }
export type Fields = typeof blank

/** Any deed on a record; what `get` and `add` give is the view itself. */
export function actOnRecord(op: Op, given: unknown): unknown {
  const state = given as StateAccess<Fields, Fields>
  const { n } = op
  let seen: unknown
  if (op.deed === "get") seen = state.get()
  else if (op.deed === "add") seen = change(state.get(), op)
  else if (op.deed === "exists") seen = state.exists()
  else if (op.deed === "set") {
    state.set({ n, big: BigInt(n), flag: n > 2, at: op.at, text: "é".repeat(n) })
  } else if (op.deed !== "none") {
    if (op.deed === "deleteSet") state.delete()
    if (op.deed !== "delete") change(state.get(), op)
    if (op.deed !== "deleteSet") state.delete()
    seen = [state.exists(), state.get().text]
  }
  fail(op)
  return seen
}

export function change(row: Fields, op: Op): Fields {
  row.n += op.n
  row.big -= BigInt(op.n)
  row.flag = !row.flag
  row.at = op.at
  row.text += String(op.n)
  row.text = row.text.slice(-12)
  return row
}

/** A record's view as an object of its own. */
export const plain = (value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : value
