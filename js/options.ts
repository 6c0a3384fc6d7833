/**
 * Options checked by data: each operator has a table from option name to check, and one function
 * walks the object that the user gave.
 *
 * Only own properties count, so what somebody put on `Object.prototype` is never an option, and an
 * option that is `undefined` was not given. A name that is not in the table is an error that says
 * which name was probably meant: a misspelt option that is silently ignored costs a day.
 */
import { durationMs } from "./duration.ts"
import { MillraceError, typeName } from "./errors.ts"

/** Look at one given value; give back what the operator will use, or throw `OPTION` naming it. */
export type Check<Value> = (value: unknown, name: string) => Value

/** The options that an operator knows, each with its check. */
export type OptionTable = Readonly<Record<string, Check<unknown>>>

/** What {@link checkOptions} gives for a table: only options that were given are there. */
export type Checked<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: ReturnType<Table[Name]>
}

/**
 * Check the options that a user gave against a table, and return them as the checks read them.
 *
 * `where` is what messages call their owner: `"deduplicate"` leads to `deduplicate.ttl`.
 *
 * @example
 * ```ts
 * const deduplicateOptions = { ttl: duration({ zero: false }), keep: oneOf("first", "last") }
 * const { ttl, keep = "first" } = checkOptions(options, deduplicateOptions, "deduplicate")
 * ```
 * @throws {MillraceError} `OPTION` when `given` is not an object, has an option that is not in the
 *   table, or has a value that its check refuses.
 */
export function checkOptions<const Table extends OptionTable>(
  given: unknown,
  allowed: Table,
  where: string,
): Checked<Table> {
  const checked: Record<string, unknown> = {}
  if (given === undefined) return checked as Checked<Table>
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new MillraceError("OPTION", `${where}: options must be an object, not ${typeName(given)}`)
  }
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(allowed, name) ? allowed[name] : undefined
    if (check === undefined) throw unknownOption(name, Object.keys(allowed), where)
    if (value !== undefined) checked[name] = check(value, `${where}.${name}`)
  }
  return checked as Checked<Table>
}

/** A duration in milliseconds; see {@link durationMs}. */
export function duration(options: { zero?: boolean } = {}): Check<number> {
  return (value, name) => durationMs(value, name, options)
}

/** A whole number from `min` (default 1) to `max` (default 2^53 - 1). */
export function integer({ min = 1, max = Number.MAX_SAFE_INTEGER } = {}): Check<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  return (value, name) => {
    if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) {
      return (value as number) + 0
    }
    const given = typeof value === "number" ? String(value) : typeName(value)
    throw new MillraceError("OPTION", `${name} must be a whole number ${range}, not ${given}`)
  }
}

/** One of a few values, most often names. */
export function oneOf<const Values extends readonly (string | number | boolean)[]>(
  ...values: Values
): Check<Values[number]> {
  const list = values.map((value) => JSON.stringify(value)).join(", ")
  return (value, name) => {
    const found = values.find((candidate) => candidate === value)
    if (found !== undefined) return found
    throw new MillraceError("OPTION", `${name} must be one of ${list}`)
  }
}

/** Whichever check accepts the value first; `what` is the message when none does. */
export function anyOf<const Checks extends readonly Check<unknown>[]>(
  what: string,
  ...checks: Checks
): Check<ReturnType<Checks[number]>> {
  return (value, name) => {
    for (const check of checks) {
      try {
        return check(value, name) as ReturnType<Checks[number]>
      } catch (error) {
        if (!(error instanceof MillraceError)) throw error
      }
    }
    throw new MillraceError("OPTION", `${name} must be ${what}, not ${typeName(value)}`)
  }
}

/** A text with at least one character. */
export const text: Check<string> = (value, name) => {
  if (typeof value === "string" && value !== "") return value
  throw new MillraceError("OPTION", `${name} must be a text that is not empty`)
}

/** True or false, and nothing that is merely like it. */
export const flag: Check<boolean> = (value, name) => {
  if (typeof value === "boolean") return value
  throw new MillraceError("OPTION", `${name} must be true or false, not ${typeName(value)}`)
}

/** A function of the type that the operator's options state; only `typeof` can be checked here. */
export function callable<Fn extends (...given: never[]) => unknown>(): Check<Fn> {
  return (value, name) => {
    if (typeof value === "function") return value as Fn
    throw new MillraceError("OPTION", `${name} must be a function, not ${typeName(value)}`)
  }
}

/** Options inside an option, such as `state: { ttl }`; messages say `fold.state.ttl`. */
export function nested<const Table extends OptionTable>(allowed: Table): Check<Checked<Table>> {
  return (value, name) => checkOptions(value, allowed, name)
}

/** An object that somebody else looks into; arrays and functions are not objects here. */
export function object<Shape extends object>(): Check<Shape> {
  return (value, name) => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Shape
    throw new MillraceError("OPTION", `${name} must be an object, not ${typeName(value)}`)
  }
}

/** Whatever was given; its owner checks it. */
export const anything: Check<unknown> = (value) => value

function unknownOption(name: string, allowed: readonly string[], where: string): MillraceError {
  const nearest = nearestName(name, allowed)
  const hint =
    nearest !== undefined
      ? `did you mean ${JSON.stringify(nearest)}?`
      : allowed.length > 0
        ? `it has ${[...allowed].sort().join(", ")}`
        : "it has none"
  const shown = JSON.stringify(name.slice(0, 60))
  return new MillraceError("OPTION", `${where} has no option ${shown}; ${hint}`)
}

/** The known name that needs the fewest edits, if those are no more than a third of the name. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined
  let fewest = Math.max(1, Math.floor(name.length / 3)) + 1
  if (name.length > 60) return undefined
  for (const candidate of known) {
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (edits < fewest) [nearest, fewest] = [candidate, edits]
  }
  return nearest
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min(at(above, j) + 1, at(row, j - 1) + 1, at(above, j - 1) + same)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) least = Math.min(least, at(before, j - 2) + 1)
      row.push(least)
    }
    ;[before, above] = [above, row]
  }
  return at(above, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? 0
}

/** An object with these methods, whatever its class. */
export const withMethods =
  <Shape extends object>(what: string, ...methods: string[]): Check<Shape> =>
  (given, name) => {
    const has = (method: string) =>
      typeof given === "object" &&
      given !== null &&
      typeof (given as Record<string, unknown>)[method] === "function"
    const missing = methods.find((method) => !has(method))
    if (missing === undefined) return given as Shape
    const detail = `it has no ${missing}(); it is ${typeName(given)}`
    throw new MillraceError("OPTION", `${name} must be ${what}: ${detail}`)
  }
