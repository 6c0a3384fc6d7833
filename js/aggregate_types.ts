/**
 * The types of aggregates: which fields each can read, and what each gives.
 */

import type { TopValue } from "./sketches/space_saving.ts"

/** What an aggregate gives; a list is what it is. */
export type Gives =
  "number" | "numberOrNone" | "event" | "events" | "field" | "fields" | "top" | readonly unknown[]

/** Any aggregate; what it reads and gives is known to the compiler alone. */
export interface AnyAggregate {
  readonly types: {
    readonly field: string
    readonly reads: "number" | "any" | "none"
    readonly gives: Gives
  }
}

/** Aggregates under their names. */
export type Aggregates = Readonly<Record<string, AnyAggregate>>

interface AggregateOf<Field, Reads, Gives> {
  readonly types: { readonly field: Field; readonly reads: Reads; readonly gives: Gives }
}

type NumberField<T> = {
  [Name in keyof T & string]: T[Name] extends number | bigint | null | undefined ? Name : never
}[keyof T & string]

type FieldFor<T, Reads> = Reads extends "any" ? keyof T & string : NumberField<T>

/** An aggregate checked against the event: a field that is not there does not compile. */
export type CheckedAggregates<A, T> = {
  readonly [Name in keyof A]: Name extends "key" | "start" | "end"
    ? `"${Name & string}" is a reserved column`
    : A[Name] extends AggregateOf<infer Field, infer Reads, infer Gives>
      ? [Field] extends [FieldFor<T, Reads>]
        ? A[Name]
        : AggregateOf<FieldFor<T, Reads>, Reads, Gives>
      : never
}

/** Null and undefined are skipped. */
type Value<T, Field> = Field extends keyof T ? NonNullable<T[Field]> : never

/** By what it gives. */
interface Results<T, Field> {
  number: number
  numberOrNone: number | undefined
  event: T | undefined
  events: T[]
  field: Value<T, Field> | undefined
  fields: Value<T, Field>[]
  top: TopValue<Value<T, Field>>[]
}

type ResultOf<A, T> =
  A extends AggregateOf<infer Field, unknown, infer Given>
    ? Given extends keyof Results<T, Field>
      ? Results<T, Field>[Given]
      : Given
    : never

/** A row of `aggregate`: the key, and each aggregate by its name. */
export type AggregateRow<K, A, T = unknown> = { key: K } & {
  -readonly [Name in keyof A]: ResultOf<A[Name], T>
}

/**
 * A row of `aggregate` of a window. `revision` says how often the window has emitted before; it is
 * there where it may emit more than once: with `allowedLateness`, unless it is `emit: "final"`, or
 * with `emit: "updates"`.
 */
export type WindowRow<K, A, T = unknown> = {
  key: K
  start: number
  end: number
  revision?: number
} & { -readonly [Name in keyof A]: ResultOf<A[Name], T> }
