/**
 * What is in a savepoint, read without the program it is of.
 */
import type { Engine } from "../engine/engine.ts"
import { MillraceError } from "../errors.ts"
import type { SavedFlow } from "../saved.ts"
import { SavepointBytes } from "../savepoint_bytes.ts"
import type { SavepointSource } from "../savepoint_bytes.ts"
import { FrameReader } from "../savepoint_format.ts"
import type { SavepointHeader } from "../savepoint_format.ts"
import { SavedStates } from "./states.ts"
import type { RowsWanted, ShownRows, StateReport } from "./states.ts"

/** Something that is not as it was written. */
export interface Damage {
  /** The name of what is damaged. */
  readonly what: string
  readonly why: string
}

/** Where a job was, and its states. */
export interface FlowReport extends Omit<SavedFlow, "sources"> {
  readonly sources: SavedFlow["sources"]
  readonly states: readonly StateReport[]
}

/** What a savepoint holds; of a damaged one, as much of it as can be read. */
export interface SavepointReport {
  readonly is: "savepoint"
  readonly name: string
  readonly format: number
  readonly bytes: number
  readonly flow: FlowReport | undefined
  readonly shown: ShownRows | undefined
  readonly damage: readonly Damage[]
}

/**
 * Look at a savepoint.
 *
 * @throws {MillraceError} `CORRUPT` for what is no savepoint, `UNSUPPORTED` for a newer one's,
 *   `STORAGE` when it cannot be read, `MEMORY`. What is damaged is in the report.
 */
export async function lookAtSavepoint(
  name: string,
  source: SavepointSource,
  engine: Engine,
  wanted: RowsWanted | undefined,
): Promise<SavepointReport> {
  const bytes = new SavepointBytes(source)
  const damage: Damage[] = []
  let header: SavepointHeader | undefined
  let states: SavedStates | undefined
  const reader = new FrameReader(bytes, (each) => engine.checksum(each))
  try {
    header = await reader.header()
    states = new SavedStates(engine, header.states)
    for (let next = await reader.segment(); next !== undefined; next = await reader.segment()) {
      states.load(next.state, next.bytes, 0)
    }
  } catch (error) {
    if (reader.format === undefined || !isDamage(error)) throw error
    damage.push({ what: name, why: error.message })
  } finally {
    await bytes.close()
  }
  const { states: _, ...flow } = header ?? {}
  return {
    ...{ is: "savepoint", name, format: reader.format ?? 0, bytes: bytes.taken },
    flow: header && { ...(flow as SavedFlow), states: states?.report() ?? [] },
    shown: wanted && states?.rows(wanted),
    damage,
  }
}

export function isDamage(error: unknown): error is MillraceError {
  return error instanceof MillraceError && error.code === "CORRUPT"
}
