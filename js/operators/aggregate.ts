/**
 * Un-windowed aggregates per key, whole in C; which there are is in aggregates.ts.
 */
import type { Chunk } from "../chunk.ts"
import { fillNumbers } from "../engine/fill.ts"
import { keysOf } from "../engine/keys.ts"
import type { NumberField } from "../engine/fill.ts"
import { Operator } from "../engine/operator.ts"
import type { StateLimits } from "../engine/operator.ts"
import type { Node, OperatorNode, OperatorOptions, Ran, Runner, Site } from "../graph.ts"
import { nodeOptions, operatorOptions } from "../graph.ts"
import { checkOptions, oneOf } from "../options.ts"
import { noLimits, limitsOption } from "../state/config.ts"
import type { StateConfig } from "../state/config.ts"
import type { KeyReader } from "../state/keys.ts"
import { Emitted, rowWriter } from "./aggregate_rows.ts"
import type { Row, WriteRows } from "./aggregate_rows.ts"
import { Evictions } from "./evictions.ts"
import { checkAggregates, checkAnyAggregates, fieldsOf, givesNone, layOut } from "./aggregates.ts"
import type { AggregateSpec } from "./aggregates.ts"
import { checkValueLimits, ValuesRunner } from "./aggregate_values.ts"
import type { OpenNumbers } from "./aggregate_values.ts"
import { isAggregate, ValueAggregate } from "./picks.ts"
import type { AnySpec } from "./picks.ts"
import { afterChunk, pushChunk } from "./pushed.ts"

/** Options for {@link KeyedStream.aggregate}. */
export interface AggregateOptions<T = unknown, K = unknown> extends OperatorOptions<T, K, unknown> {
  /** A row per event, or one per key at the end of the source, as first seen. Default "each". */
  readonly emit?: "each" | "final"
  /** The state's limits and ttl. */
  readonly state?: StateConfig
}

const options = { ...operatorOptions, emit: oneOf("each", "final"), state: limitsOption }

export function aggregateNode(
  input: Node,
  read: KeyReader,
  given: Readonly<Record<string, unknown>>,
  settings?: object,
): OperatorNode {
  const checked = checkOptions(settings, options, "aggregate")
  const { emit = "each", state } = checked
  const limits = state?.limits ?? noLimits
  const common = { inputs: [input], ...nodeOptions(checked, "aggregate"), keyOf: read }
  if (Object.values(given).some((spec) => spec instanceof ValueAggregate)) {
    const specs = checkAnyAggregates<AnySpec[1]>(given, "aggregate", isAggregate)
    checkValueLimits(limits)
    const open = (site: Site) => {
      const openNumbers = openerOf(site, limits, emit === "each")
      return new ValuesRunner(site, read, specs, limits, openNumbers)
    }
    return { kind: "aggregate", ...common, open }
  }
  const specs = checkAggregates(given, "aggregate")
  return {
    kind: "aggregate",
    ...common,
    schema: { kind: "aggregate", fields: fieldsOf(specs), ttl: limits.ttlMs > 0 },
    open: (site) => openerOf(site, limits, emit === "each")(specs, read, (field) => field),
  }
}

/** Opens aggregates of numbers, whole in C. */
function openerOf(site: Site, limits: StateLimits, emitEach: boolean): OpenNumbers {
  return (specs, read, ofEvent) => {
    const { aggregates, columns } = layOut(specs)
    const spec = { kind: "aggregate", limits, aggregates, emitEach } as const
    const operator = new Operator(site.engine, site.uid, spec, site.label)
    const fields = columns.map(({ path, read: field }) => ({ path, read: ofEvent(field) }))
    return new AggregateRunner(site, operator, read, specs, fields)
  }
}

class AggregateRunner implements Runner {
  readonly operator: Operator
  readonly evictions: Evictions
  readonly #site: Site
  readonly #specs: readonly AggregateSpec[]
  readonly #columns: readonly NumberField[]
  readonly #writeRows: WriteRows
  readonly #emitted: Emitted
  /** May {@link finish} have results? */
  #more: boolean
  #finishing = false

  constructor(
    site: Site,
    operator: Operator,
    read: KeyReader,
    specs: readonly AggregateSpec[],
    columns: readonly NumberField[],
  ) {
    this.operator = operator
    this.#site = site
    this.#specs = specs
    this.#columns = columns
    const results = specs.map(([name, { kind }]) => ({ name, mayBeNone: givesNone(kind) }))
    this.#writeRows = rowWriter(operator, results)
    this.#emitted = new Emitted(operator, read, this.#writeRows)
    this.evictions = new Evictions(operator, (row) => this.readRow(row))
    this.#more = operator.spec.emitEach !== true
  }

  run(chunk: Chunk): Ran {
    const { operator } = this
    const emitted = this.#emitted
    const columns = this.#columns
    emitted.begin(chunk, this.#site.wanted)
    const failure = pushChunk(chunk, this, emitted.read, (slice) => emitted.take(slice), {
      count: columns.length,
      fill: ({ from, filled }) => fillNumbers(operator.input, chunk, filled, from, columns),
    })
    return { chunk: emitted.end(chunk), failure }
  }

  settle(chunk: Chunk): undefined {
    return afterChunk(this.operator, chunk)
  }

  /** The results of all keys, a batch at a time. */
  finish(): { values: readonly Row[] } | undefined {
    const { operator } = this
    // By the clock time has gone on since the last event: what has expired is not emitted.
    const byClock = !this.#site.eventTime || operator.input.processing
    if (this.#more && !this.#finishing && byClock) operator.advance(this.#site.clock.now())
    this.#finishing = true
    while (this.#more) {
      this.#more = operator.finish()
      const { size } = operator.results
      if (size === 0) continue
      const values = new Array<Row>(size)
      this.#writeRows(values, 0, keysOf(operator.results), 0)
      return { values }
    }
    return undefined
  }

  readRow(row: number): unknown {
    const { views, scratch } = this.#site.engine
    views.u32[scratch >>> 2] = row
    this.operator.resultsOf(scratch, 1)
    const rows: Row[] = []
    this.#writeRows(rows, 0, [undefined], 0)
    return Object.fromEntries(this.#specs.map(([name]) => [name, rows[0]?.[name]]))
  }
}
