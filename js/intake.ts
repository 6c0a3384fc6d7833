/**
 * How the saved rows of a state come in: as they are, or, of an older version of the state, as what
 * `state.migrate` makes of them.
 *
 *   segments ─▶ operator                                        the same schema
 *   segments ─▶ operator of the old fields ─▶ migrate ─▶ operator     an older version
 */
import { carryRows } from "./engine/carry.ts"
import { fieldKinds } from "./engine/cells.ts"
import { Operator } from "./engine/operator.ts"
import { MillraceError } from "./errors.ts"
import type { StateSchema } from "./graph.ts"
import { refusePromise } from "./state/access.ts"
import type { RecordType } from "./state/record.ts"
import { heldBy } from "./state/value_schema.ts"
import type { NamedState } from "./states.ts"

/** Where the segments of a saved state go, in their order. */
export interface Intake {
  /** Do its rows stand as they were saved, so that their segments are of use? */
  readonly asSaved: boolean
  /** There will be so many rows. Need not be called. */
  begin(rows: number): void
  /** Throws `CORRUPT`, `MEMORY`. */
  load(segment: Uint8Array, number: number): void
  /** All are loaded. Throws `USER_FUNCTION`, `SERIALIZATION`, `MEMORY`. */
  loaded(): void
}

/**
 * The intake of a state; rows that have been saved without a ttl were used last at `usedMs`.
 *
 * @throws {MillraceError} `STATE_CONFIG` when the saved state is of other fields, of another kind
 *   or of a later version, and cannot be carried forward.
 */
export function intakeOf(
  saved: StateSchema,
  { schema, operator }: NamedState,
  usedMs: number,
): Intake {
  const same = saved.kind === schema.kind && sameFields(saved, schema)
  if (same && versionOf(saved) === versionOf(schema)) {
    return {
      asSaved: true,
      begin: (rows) => operator.loadBegin(rows),
      load: (segment, number) => operator.load(segment, usedMs, number),
      loaded: () => operator.loaded(),
    }
  }
  const [old, now] = [heldBy(saved), heldBy(schema)]
  const older = saved.kind === schema.kind && versionOf(saved) < versionOf(schema)
  if (!older || old === undefined || now === undefined || operator.spec.migrate === undefined) {
    throw refusal(saved, schema, operator)
  }
  return migration(saved, old.record, { operator, record: now.record }, usedMs)
}

function migration(
  saved: StateSchema,
  record: RecordType<unknown> | undefined,
  into: { readonly operator: Operator; readonly record: RecordType<unknown> | undefined },
  usedMs: number,
): Intake {
  const { engine, uid, label, spec } = into.operator
  const from = new Operator(engine, uid, { ...spec, fields: fieldKinds(record) }, label)
  const change = (old: unknown): unknown => {
    try {
      const made = spec.migrate?.(old, versionOf(saved))
      refusePromise(made)
      return made
    } catch (cause) {
      const message = `${label}: state.migrate failed at state of version ${versionOf(saved)}`
      throw new MillraceError("USER_FUNCTION", message, { cause })
    }
  }
  return {
    asSaved: false,
    begin: (rows) => from.loadBegin(rows),
    load: (segment, number) => from.load(segment, usedMs, number),
    loaded() {
      from.loaded()
      carryRows({ operator: from, record }, into, change)
      into.operator.loaded()
      from.close()
    },
  }
}

const versionOf = ({ version = 1 }: StateSchema) => version

const sameFields = (one: StateSchema, other: StateSchema) =>
  JSON.stringify(one.fields) === JSON.stringify(other.fields)

/** Says what differs, and what to do about it. */
function refusal(saved: StateSchema, now: StateSchema, { label }: Operator): MillraceError {
  const versioned = versionOf(saved) > 1 || versionOf(now) > 1
  const text = (schema: StateSchema) => {
    const version = versioned ? ` of version ${versionOf(schema)}` : ""
    return `${schema.kind}(${schema.fields.join(", ")})${version}`
  }
  const message = `${label}: saved state is ${text(saved)}, the operator has ${text(now)}`
  const alike = saved.kind === now.kind && [saved, now].every((each) => heldBy(each) !== undefined)
  if (!alike || versionOf(saved) > versionOf(now)) return new MillraceError("STATE_CONFIG", message)
  const older = versionOf(saved) < versionOf(now)
  const need = older ? "state.migrate" : "a higher state.version, with state.migrate,"
  return new MillraceError("STATE_CONFIG", `${message}; ${need} can carry it forward`)
}
