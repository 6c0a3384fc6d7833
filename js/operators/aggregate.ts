/**
 * Un-windowed aggregates per key, whole in C; which there are is in aggregates.ts.
 */
import { causedBy } from "../chunk.ts"
import { fillNumbers } from "../engine/fill.ts"
import { keysOf } from "../engine/keys.ts"
import type { NumberField } from "../engine/fill.ts"
import { Operator } from "../engine/operator.ts"
import type { Node, OperatorNode, OperatorOptions, Runner, Site } from "../graph.ts"
import { nodeOptions, operatorOptions } from "../graph.ts"
import { checkOptions, oneOf } from "../options.ts"
import { noLimits, limitsOption } from "../state/config.ts"
import type { StateConfig } from "../state/config.ts"
import type { KeyReader } from "../state/keys.ts"
import { Evictions } from "./evictions.ts"
import { checkAggregates, fieldsOf, givesNone, layOut } from "./aggregates.ts"
import type { AggregateSpec } from "./aggregates.ts"
import { afterChunk, pushChunk, valueOf } from "./pushed.ts"

/** Options for {@link KeyedStream.aggregate}. */
export interface AggregateOptions<T = unknown, K = unknown> extends OperatorOptions<T, K, unknown> {
  /** A row per event, or one per key at the end of the source, as first seen. Default "each". */
  readonly emit?: "each" | "final"
  /** The state's limits and ttl. */
  readonly state?: StateConfig
}

const options = { ...operatorOptions, emit: oneOf("each", "final"), state: limitsOption }

type Row = Record<string, unknown>

export function aggregateNode(
  input: Node,
  read: KeyReader,
  given: Readonly<Record<string, unknown>>,
  settings?: object,
): OperatorNode {
  const checked = checkOptions(settings, options, "aggregate")
  const { emit = "each", state } = checked
  const specs = checkAggregates(given, "aggregate")
  const limits = state?.limits ?? noLimits
  return {
    kind: "aggregate",
    inputs: [input],
    ...nodeOptions(checked, "aggregate"),
    keyOf: read,
    schema: { kind: "aggregate", fields: fieldsOf(specs), ttl: limits.ttlMs > 0 },
    open(site) {
      const { aggregates, columns } = layOut(specs)
      const emitEach = emit === "each"
      const spec = { kind: "aggregate", limits, aggregates, emitEach } as const
      const operator = new Operator(site.engine, site.uid, spec, site.label)
      return open(site, operator, read, specs, columns)
    },
  }
}

function open(
  site: Site,
  operator: Operator,
  read: KeyReader,
  specs: readonly AggregateSpec[],
  columns: readonly NumberField[],
): Runner {
  const rowsOf = rowMaker(operator, specs)
  const readRow = (row: number): unknown => {
    const { views, scratch } = site.engine
    views.u32[scratch >>> 2] = row
    operator.resultsOf(scratch, 1)
    const [result] = rowsOf([undefined], 1)
    delete result?.["key"]
    return result
  }
  const pushed = { operator, evictions: new Evictions(operator, readRow) }
  return {
    ...pushed,
    run(chunk) {
      const values: unknown[] = []
      const causes: number[] = []
      const failure = pushChunk(
        chunk,
        pushed,
        read,
        (slice) => {
          const { size, positions } = operator.results
          if (size === 0) return
          const { u32 } = site.engine.views
          const inputs = Array.from(u32.subarray(positions, positions + size))
          for (const input of inputs) causes.push(valueOf(slice, input))
          if (!site.wanted) values.length += size
          else {
            // The bytes that were pushed: a key function is called once per event.
            const keys = keysOf(operator.input)
            const own = inputs.map((input) => keys[input])
            for (const row of rowsOf(own, size)) values.push(row)
          }
        },
        {
          count: columns.length,
          fill: ({ from, filled }) => fillNumbers(operator.input, chunk, filled, from, columns),
        },
      )
      return { chunk: causedBy(chunk, values, Uint32Array.from(causes)), failure }
    },
    settle: (chunk) => afterChunk(operator, chunk),
    finish: finisher(operator, rowsOf),
    readRow,
  }
}

/** Gives the results of all keys, a batch at a time. */
function finisher(operator: Operator, rowsOf: RowsOf) {
  let more = operator.spec.emitEach !== true
  return (): { values: readonly Row[] } | undefined => {
    while (more) {
      more = operator.finish()
      const { size } = operator.results
      if (size > 0) return { values: rowsOf(keysOf(operator.results), size) }
    }
    return undefined
  }
}

/** Makes rows `{ key, ...aggregates }` of the first `size` results. */
type RowsOf = (keys: readonly unknown[], size: number) => Row[]

function rowMaker(operator: Operator, specs: readonly AggregateSpec[]): RowsOf {
  const names = specs.map(([name]) => name)
  const mayBeNone = specs.map(([, { kind }]) => givesNone(kind))
  // One or two aggregates are common, and a literal makes rows of one shape at once.
  const [a = "", b = ""] = names
  const literals = names.length <= 2 && !mayBeNone.includes(true)
  return (keys, size) => {
    const { f64 } = operator.engine.views
    const at = names.map((_, column) => operator.results.column(column))
    const [atA = 0, atB = 0] = at
    const rows = new Array<Row>(size)
    for (let i = 0; i < size; i++) {
      const key = keys[i]
      if (literals && names.length === 2) rows[i] = { key, [a]: f64[atA + i], [b]: f64[atB + i] }
      else if (literals) rows[i] = { key, [a]: f64[atA + i] }
      else {
        const row: Row = { key }
        for (let column = 0; column < names.length; column++) {
          const value = f64[(at[column] as number) + i] as number
          const none = mayBeNone[column] === true && Number.isNaN(value)
          row[names[column] as string] = none ? undefined : value
        }
        rows[i] = row
      }
    }
    return rows
  }
}
