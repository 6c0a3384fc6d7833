/**
 * What the rows of a saved state are, as far as its schema tells: how to load and to read them.
 *
 *   aggregate, whole window   by the operator that they are of: C gives results
 *   values of aggregates      what they give of what was kept: of sketches, not their bytes
 *   ref                       the value
 *   record, session           an object of the fields by their names
 *   the rest                  the fields as they lie, as only their operator knows what they mean
 */
import { kindsIn } from "../engine/saved_rows.ts"
import type { SavedRows } from "../engine/saved_rows.ts"
import type { AggregateKind, Operator, OperatorSpec } from "../engine/operator.ts"
import { aggregateKinds } from "../engine/operator_spec.ts"
import type { StateSchema } from "../graph.ts"
import { rowWriter } from "../operators/aggregate_rows.ts"
import type { Row } from "../operators/aggregate_rows.ts"
import { Aggregate, givesNone } from "../operators/aggregates.ts"
import type { AggregateSpec } from "../operators/aggregates.ts"
import { Picks, ValueAggregate } from "../operators/picks.ts"
import { wayOf } from "../operators/sketches.ts"
import { rowMaker } from "../operators/window/results.ts"
import type { KeySlices } from "../operators/window/shared.ts"
import { noLimits } from "../state/config.ts"
import { hasEntries } from "../state/kinds.ts"

/** How a state is loaded, and what a row of it is. */
export interface Shape {
  readonly spec: OperatorSpec
  /** Reads values of rows that were opened by `spec`; undefined where there is none. */
  reader(rows: SavedRows): (row: number) => unknown
}

/** The shape of a state; `segment` is one of its segments, undefined: there is none. */
export function shapeOf(schema: StateSchema, segment: Uint8Array | undefined): Shape {
  const { kind, fields } = schema
  const given = kind === "windowValues" ? slices(fields) : kind === "aggregate" && kept(fields)
  if (given) return ofValues(given)
  return wholeWindow(schema) ?? aggregate(schema) ?? plain(schema, segment)
}

const openWindow = /^(aligned|sessions|counted|countedEach)\((.*), (.*), (.*), (true|false)\)$/

/** Windows that C does whole; lateness is not saved, and makes no difference here. */
function wholeWindow({ kind, fields }: StateSchema): Shape | undefined {
  const [, assigner, size, slide, offset, exclusive] = openWindow.exec(fields[0] ?? "") ?? []
  const specs = specsOf(fields.slice(2))
  if (kind !== "window" || assigner === undefined || specs === undefined) return undefined
  const revised = fields[1] === "true"
  const window = {
    ...{ size: Number(size), slide: Number(slide), offsetMs: Number(offset), lateMs: 0 },
    ...{ exclusive: exclusive === "true", partial: false },
    assigner: assigner as NonNullable<OperatorSpec["window"]>["assigner"],
    emit: revised ? ("updates" as const) : undefined,
  }
  const timers = !assigner.startsWith("counted")
  const spec = { kind: "window", limits: noLimits, ...cellsOf(specs), window, timers } as const
  return {
    spec,
    reader({ operator }) {
      const make = rowMaker(operator, specs, false)
      return (row) => {
        showRow(operator, row)
        return make(operator.results.size).map(withoutKey)
      }
    },
  }
}

function aggregate({ kind, fields }: StateSchema): Shape | undefined {
  const specs = specsOf(fields)
  if (kind !== "aggregate" || specs === undefined) return undefined
  return {
    spec: { kind: "aggregate", limits: noLimits, ...cellsOf(specs) },
    reader({ operator }) {
      const results = specs.map(([name, { kind }]) => ({ name, mayBeNone: givesNone(kind) }))
      const write = rowWriter(operator, results)
      return (row) => {
        showRow(operator, row)
        const rows: Row[] = []
        write(rows, 0, [undefined], 0)
        return withoutKey(rows[0] as Row)
      }
    },
  }
}

/** What aggregates that keep values give of a row; undefined: these are others. */
function kept(fields: readonly string[]): ((value: unknown) => Row) | undefined {
  const specs = fields.map((text) => {
    const [, name = "", kind = "", field = ""] =
      /^(.*):(\w+(?: [\d.e-]+)*)\((.*)\)$/s.exec(text) ?? []
    const way = wayOf(kind)
    return way && ([name, new ValueAggregate(kind, field || undefined, way)] as const)
  })
  const known = specs.filter((spec) => spec !== undefined)
  if (known.length === 0 || known.length < specs.length) return undefined
  const picks = new Picks(known.map(([, spec]) => spec))
  return (value) => {
    const results = picks.results((value as { kept: unknown[] }).kept)
    return Object.fromEntries(known.map(([name], i) => [name, results[i]]))
  }
}

/** The same, slice by slice. */
function slices([, ...fields]: readonly string[]): ((value: unknown) => Row[]) | undefined {
  const resultsOf = kept(fields)
  return (
    resultsOf &&
    ((value) =>
      (value as KeySlices).slices.map((slice) => ({ start: slice.start, ...resultsOf(slice) })))
  )
}

function ofValues(shown: (value: unknown) => unknown): Shape {
  const spec = { kind: "custom", limits: noLimits, fields: ["ref"], timers: true } as const
  return { spec, reader: (rows) => (row) => shown(rows.cells(row)[0]) }
}

function withoutKey(row: Row): Row {
  delete row["key"]
  return row
}

/** C writes what a row comes to, to the results. */
function showRow(operator: Operator, row: number): void {
  const { views, scratch } = operator.engine
  views.u32[scratch >>> 2] = row
  operator.resultsOf(scratch, 1)
}

/** Aggregates as a schema has them: `name:kind(field)`; undefined: these are others. */
function specsOf(fields: readonly string[]): readonly AggregateSpec[] | undefined {
  const specs = fields.map((text): AggregateSpec => {
    const [, name = "", kind, field = ""] = /^(.*):(\w+)\((.*)\)$/s.exec(text) ?? []
    return [name, new Aggregate(kind as AggregateKind, field || undefined)]
  })
  const known = specs.every(([, { kind }]) => aggregateKinds.includes(kind))
  return specs.length > 0 && known ? specs : undefined
}

function cellsOf(specs: readonly AggregateSpec[]) {
  return { aggregates: specs.map(([, { kind }]) => ({ kind, column: 0 })) }
}

function plain({ kind, fields }: StateSchema, segment: Uint8Array | undefined): Shape {
  const kinds = segment === undefined ? [] : kindsIn(segment)
  const spec = { kind: "custom", limits: noLimits, fields: kinds, timers: true } as const
  const isNamed = kind === "session" || fields.every((field) => /:\w+$/.test(field))
  const nameOf = (i: number) => fields[i]?.replace(/:\w+$/, "") ?? `${i}`
  return {
    spec: { ...spec, entries: hasEntries(kind) },
    reader(rows) {
      if (kinds.length === 0) return () => undefined
      if (kinds.length === 1 && kinds[0] === "ref") return (row) => rows.cells(row)[0]
      if (!isNamed) return (row) => rows.cells(row)
      return (row) => Object.fromEntries(rows.cells(row).map((cell, i) => [nameOf(i), cell]))
    },
  }
}
