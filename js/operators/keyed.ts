/**
 * The loop that map, filter, fold and reduce over keyed state share.
 *
 *   chunk -> keys into the batch -> find all rows -> per event: begin, the user's call, commit
 *
 * A call that throws is abandoned: state, outputs and later events are as if it had not come.
 */
import { causeOf } from "../chunk.ts"
import type { Chunk, Failure } from "../chunk.ts"
import { fillKeys } from "../engine/fill.ts"
import { Operator, sliceRowsMax } from "../engine/operator.ts"
import type { FieldKind } from "../engine/operator.ts"
import { RecordAccess } from "../engine/record_access.ts"
import { RefAccess } from "../engine/ref_access.ts"
import { Rows } from "../engine/rows.ts"
import type { Runner, Site, StateSchema } from "../graph.ts"
import { copyOf } from "../copy.ts"
import type { Access } from "../state/access.ts"
import { UserState } from "../state/access.ts"
import type { StateSetting } from "../state/config.ts"
import type { KeyReader } from "../state/keys.ts"
import { RecordType } from "../state/record.ts"
import { Outputs } from "./outputs.ts"

/** What one verb does with one value, whose state `access` is at; outputs go to `out`. */
export type Call = (value: unknown, index: number, out: Outputs) => void

/** Make the verb's call for a runner. */
export type MakeCall = (access: Access, state: UserState) => Call

/** The state schema of a user function's state. */
export function schemaOf(kind: string, { limits, value }: StateSetting): StateSchema {
  const fields =
    value instanceof RecordType ? value.fields.map(([name, type]) => `${name}:${type}`) : ["ref"]
  return { kind, fields, ttl: limits.ttlMs > 0 }
}

/** Open a runner for a verb with a user function. */
export function openKeyed(
  site: Site,
  read: KeyReader,
  setting: StateSetting,
  makeCall: MakeCall,
): Runner {
  const { value, limits } = setting
  const fields: FieldKind[] =
    value instanceof RecordType ? value.fields.map(([, kind]) => kind) : ["ref"]
  const operator = new Operator(site.engine, site.uid, { kind: "custom", limits, fields })
  const rows = new Rows(operator)
  const access =
    value instanceof RecordType ? new RecordAccess(rows, value) : new RefAccess(rows, value)
  const call = makeCall(access, new UserState(access))
  return {
    operator,
    run: (chunk) => runChunk(chunk, site, operator, rows, access, read, call),
    readRow: (row) =>
      access instanceof RecordAccess ? access.plainAt(rows.record(row)) : copyOf(access.peek(row)),
  }
}

function runChunk(
  chunk: Chunk,
  site: Site,
  operator: Operator,
  rows: Rows,
  access: Access,
  read: KeyReader,
  call: Call,
) {
  const out = new Outputs(chunk, site.wanted)
  let failure: Failure | undefined
  for (let from = 0; from < chunk.values.length && failure === undefined; from += sliceRowsMax) {
    const upto = Math.min(from + sliceRowsMax, chunk.values.length)
    const filled = fillKeys(operator.input, chunk, read, from, upto, 0)
    failure = filled.failure
    if (filled.size === 0) continue
    try {
      rows.find()
    } catch (error) {
      failure = { at: causeOf(chunk, from), error }
      break
    }
    failure = runSlice(chunk, from, filled.rows, filled.size, access, call, out) ?? failure
  }
  if (failure === undefined) expireAfter(operator, chunk)
  return { chunk: out.chunk(), failure }
}

function runSlice(
  chunk: Chunk,
  from: number,
  rows: Uint32Array | undefined,
  size: number,
  access: Access,
  call: Call,
  out: Outputs,
): Failure | undefined {
  const { values } = chunk
  let row = 0
  let index = from
  let made = 0
  try {
    for (; row < size; row++) {
      index = rows === undefined ? from + row : (rows[row] as number)
      made = out.size
      access.begin(row)
      call(values[index], index, out)
      access.commit()
    }
    return undefined
  } catch (error) {
    if (access.open) access.abandon()
    out.size = made
    return { at: causeOf(chunk, index), error }
  }
}

/**
 * Free some rows whose ttl is over by now, about as many as a chunk can make. Only after the whole
 * chunk, also one whose values were all left out: its last watermark holds for no event before.
 */
export function expireAfter(operator: Operator, { arrival, values }: Chunk): void {
  if (operator.spec.limits.ttlMs === 0) return
  const { watermarks, now } = arrival
  operator.expire(watermarks?.at(-1) ?? now, Math.max(values.length, sliceRowsMax))
}
