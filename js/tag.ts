/**
 * Tags: the names of side outputs.
 */
import { MillraceError, typeName } from "./errors.ts"
import type { Check } from "./options.ts"
import type { Type } from "./state/config.ts"

/** A side output's name and the type of what goes there; what {@link outputTag} gives. */
export class Tag<in out T> {
  readonly name: string
  declare private readonly type: (value: T) => T

  constructor(name: string) {
    this.name = name
  }
}

/** Any tag, whatever goes there. */
// A tag is invariant, so no type but `any` stands for all of them.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyTag = Tag<any>

const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/i

/**
 * Name a side output. Operators send there what their options say, such as `errorsTo`;
 * `stream.sideOutput(tag)` and `job.output(tag)` give it.
 *
 * @example
 * ```ts
 * const refused = outputTag("refused", of<{ user: string }>())
 * const passed = from([{ user: "ada" }, { user: "ada" }])
 *   .keyBy("user")
 *   .throttle({ limit: 1, per: "1m", overflow: "route", overflowTo: refused })
 * const tooMany = passed.sideOutput(refused)
 * ```
 * @throws {MillraceError} `OPTION` for a name that is not 1 to 64 letters, digits, dots, dashes or
 *   underscores.
 */
export function outputTag<T>(name: string, type?: Type<T>): Tag<T> {
  void type // For the compiler alone.
  if (typeof name === "string" && namePattern.test(name)) return new Tag(name)
  const wanted = "1 to 64 letters, digits, dots, dashes or underscores"
  throw new MillraceError("OPTION", `the name of a tag must be ${wanted}`)
}

/** The check of an option that is a tag. */
export const tagOption: Check<AnyTag> = (given, name) => {
  if (given instanceof Tag) return given
  throw new MillraceError("OPTION", `${name} must be an outputTag(…), not ${typeName(given)}`)
}
