/**
 * What the checks of storages are made of: a name, a function over fresh storages, and comparisons
 * that say what was expected.
 */
import { MillraceError, typeName } from "../../errors.ts"
import type { ErrorCode } from "../../errors.ts"
import type { StateStorage } from "../../storage/storage.ts"

/** How a check comes to storages; all that it got are closed after it. */
export interface Stores {
  /** An empty store. */
  readonly make: () => Promise<StateStorage>
  /** A storage over what another one left, which is closed before. */
  readonly reopen: (storage: StateStorage) => Promise<StateStorage>
  /** The same without a close: what a process sees that comes after a dead one. */
  readonly crash: (storage: StateStorage) => Promise<StateStorage>
  /** A storage whose host refuses every call. */
  readonly failing: () => Promise<StateStorage>
}

/** One check: its name is a sentence that begins with "it". */
export type Check = readonly [name: string, run: (stores: Stores) => Promise<void>]

export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

/** Any bytes, the same each time. */
export const filled = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31) >> 3)

/** Throw `MISMATCH` unless both are the same, as {@link shown} sees them. */
export function same(actual: unknown, expected: unknown, what: string): void {
  if (shown(actual) !== shown(expected)) throw mismatch(what, actual, expected)
}

/** Throw `MISMATCH` unless a call is refused, by a promise and with this code; gives its error. */
export async function refused(
  call: () => Promise<unknown>,
  code: ErrorCode,
  what: string,
): Promise<MillraceError> {
  let given: Promise<unknown>
  try {
    given = call()
  } catch (error) {
    throw mismatch(`${what}: it must reject, not throw at once`, error, code)
  }
  const answer = await given.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if (!("error" in answer)) throw mismatch(`${what}: it must be refused`, answer.value, code)
  const { error } = answer
  if (error instanceof MillraceError && error.code === code) return error
  throw mismatch(`${what}: it must be refused with another error`, error, code)
}

export function mismatch(what: string, actual: unknown, expected: unknown): MillraceError {
  const message = `${what}: expected ${brief(expected)}, and got ${brief(actual)}`
  return new MillraceError("MISMATCH", message, { cause: { actual, expected } })
}

function brief(value: unknown): string {
  const text = shown(value)
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`
}

/**
 * A value as text. Bytes are so only as a plain `Uint8Array`: what derives from that, as Node's
 * `Buffer`, has a `slice` that is no copy.
 */
function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(", ")}]`
  if (value instanceof Error) return `${value.name}: ${value.message}`
  if (typeof value === "string") return JSON.stringify(value)
  if (typeof value !== "object" || value === null) return String(value)
  const plain = value instanceof Uint8Array && value.constructor.name === "Uint8Array"
  return plain ? `bytes(${value.join(" ")})` : typeName(value)
}
