/**
 * What aggregates take of an event, and lists that they keep in order.
 */
import { numberOf } from "../engine/fill.ts"
import { MillraceError, typeName } from "../errors.ts"

/** Throws `FIELD_TYPE` for what cannot be told apart from others by what it is. */
export function checkDistinct(value: unknown, field: string): unknown {
  if (typeof value === "number") return value + 0 // -0 is 0.
  if (["string", "bigint", "boolean"].includes(typeof value)) return value
  const message = `field ${field} must be a string, number, bigint or boolean to be told apart`
  throw new MillraceError("FIELD_TYPE", `${message}, not ${typeName(value)}`)
}

/** A number, as of {@link numberOf}; undefined of NaN, which no number is more or less than. */
export function someNumber(value: unknown, field: string): number | undefined {
  const number = numberOf(value, field)
  return Number.isNaN(number) ? undefined : number
}

/** Put an element into a list; several times as quick as `splice` where the list is short. */
export function insertAt<T>(list: T[], at: number, element: T): void {
  list.push(element)
  for (let i = list.length - 1; i > at; i--) list[i] = list[i - 1] as T
  list[at] = element
}

/** Is it quicker to put the elements of a list into another one by one than to go through both? */
export function isFew(list: readonly unknown[], into: readonly unknown[]): boolean {
  return list.length * 8 < into.length
}
