/**
 * The events of two inputs on their way through a join in C: keys, sides and refs of the events in,
 * pairs out. A pair is caused by the later of its events to come, and has the later of their times.
 */
import { causeOf, causedBy, inputOf } from "../../chunk.ts"
import type { Chunk } from "../../chunk.ts"
import { joinColumns } from "../../engine/abi.ts"
import { fillOwn } from "../../engine/fill.ts"
import type { Filled } from "../../engine/fill.ts"
import { ownerOf } from "../../engine/keyed_rows.ts"
import { Operator, sliceRowsMax } from "../../engine/operator.ts"
import type { StateLimits } from "../../engine/operator.ts"
import { RefCell } from "../../engine/ref_cell.ts"
import { isEncoded } from "../../engine/refs.ts"
import { decodeCell } from "../../engine/adopt.ts"
import { Rows } from "../../engine/rows.ts"
import type { Ran, Runner, Site, StateSchema } from "../../graph.ts"
import { joinSides } from "../../sides.ts"
import type { KeyReader, KeyValue } from "../../state/keys.ts"
import { decodeKey } from "../../state/keys.ts"
import type { NamedState } from "../../states.ts"
import type { AnyTag } from "../../tag.ts"
import { LateCounter } from "../../time/late.ts"
import { Emissions } from "../emissions.ts"
import { Evictions } from "../evictions.ts"
import { pushChunk, valueOf } from "../pushed.ts"
import type { Columns, Slice } from "../pushed.ts"
import type { JoinSpec } from "./spec.ts"

/** Two events that belong together; what `onError` and `errorsTo` see of them. */
export class Pair<L = unknown, R = unknown> {
  readonly left: L
  readonly right: R

  constructor(left: L, right: R) {
    this.left = left
    this.right = right
  }
}

/** What a join is made of. */
export interface JoinPlan {
  readonly spec: JoinSpec
  readonly readers: readonly [left: KeyReader, right: KeyReader]
  readonly schema: StateSchema
  /** Of the events that are kept. */
  readonly limits: StateLimits
  readonly lateTo: AnyTag | undefined
  readonly evictedTo: AnyTag | undefined
}

/** What comes of a chunk. */
interface Passage {
  readonly out: Emissions
  /** The values that were late. */
  readonly late: number[]
}

export class JoinRunner implements Runner {
  readonly operator: Operator
  readonly states: readonly NamedState[]
  readonly evictions: Evictions
  readonly late = new LateCounter()
  readonly #plan: JoinPlan
  readonly #event: RefCell
  /** The refs of the events of a slice, by its rows. */
  readonly #refs = new Float64Array(sliceRowsMax)
  /** How many of them there are. */
  #filled = 0

  constructor(site: Site, plan: JoinPlan) {
    const { spec, limits, schema, evictedTo } = plan
    const { beforeMs, afterMs } = spec
    const operator = new Operator(
      site.engine,
      site.uid,
      {
        kind: "join",
        limits,
        fields: ["ref"],
        join: { beforeMs, afterMs },
        ...{ timers: true, entries: true, keepEvicted: true },
      },
      site.label,
    )
    this.operator = operator
    this.states = [{ name: "", schema, operator }]
    this.#plan = plan
    this.#event = new RefCell(new Rows(operator), 0)
    this.evictions = new Evictions(operator, (row) => this.#event.get(row), evictedTo, eventKey)
  }

  run(chunk: Chunk): Ran {
    const passage: Passage = { out: new Emissions(chunk, true), late: [] }
    const columns: Columns = { count: joinColumns.JOIN_COLUMNS, fill: (slice) => this.#fill(slice) }
    const take = (slice: Slice) => this.#take(slice, passage)
    const failure = pushChunk(chunk, this, this.#reader(chunk), take, columns)
    if (failure !== undefined) this.#takeBack()
    return { chunk: passage.out.chunk(), sides: this.#sides(chunk, passage), failure }
  }

  /** The watermark has gone on to the end of the chunk: what is over by then goes. */
  settle({ arrival: { watermark } }: Chunk): undefined {
    if (watermark === undefined) return
    while (this.operator.advance(watermark));
    this.operator.engine.refs.collect()
  }

  #sides(chunk: Chunk, { late }: Passage): Ran["sides"] {
    const { lateTo, evictedTo } = this.#plan
    if (lateTo === undefined && evictedTo === undefined) return undefined
    const values = late.map((index) => chunk.values[index])
    const side = causedBy(chunk, values, Uint32Array.from(late))
    const lateSide = lateTo === undefined ? undefined : new Map([[lateTo, side]])
    return joinSides([lateSide, this.evictions.sides(chunk)])
  }

  /** Reads the keys of a chunk's values, each once and in their order. */
  #reader({ inputs = 0 }: Chunk): KeyReader {
    const { readers } = this.#plan
    if (typeof inputs === "number") return readers[inputs] as KeyReader
    let index = 0
    return (event) => (readers[inputs[index++] as number] as KeyReader)(event)
  }

  #fill({ chunk, from, filled }: Slice): Filled {
    const { input, engine } = this.operator
    const { rows, size } = filled
    for (this.#filled = 0; this.#filled < size; this.#filled++) {
      // It may grow memory.
      const index = rows === undefined ? from + this.#filled : (rows[this.#filled] as number)
      this.#refs[this.#filled] = engine.refs.add(chunk.values[index])
    }
    fillOwn(input, chunk, filled, from)
    const { f64 } = engine.views
    const sides = input.column(joinColumns.JOIN_SIDE)
    for (let row = 0; row < size; row++) {
      f64[sides + row] = inputOf(chunk, rows === undefined ? from + row : (rows[row] as number))
    }
    f64.set(this.#refs.subarray(0, size), input.column(joinColumns.JOIN_EVENT))
    return filled
  }

  /** What C has not taken of a slice is nobody's. */
  #takeBack(): void {
    const { engine, upto } = this.operator
    for (const ref of this.#refs.subarray(upto, this.#filled)) engine.refs.remove(ref)
    this.#filled = 0
  }

  #take(slice: Slice, { out, late }: Passage): void {
    const { results, engine } = this.operator
    const { chunk } = slice
    const { size, positions, times } = results
    const cells = results.column(joinColumns.JOIN_CELL)
    const cellsAt = results.column(joinColumns.JOIN_CELL_AT)
    let { u32, f64 } = engine.views
    for (let i = 0; i < size; i++) {
      const row = u32[positions + i] as number
      const index = valueOf(slice, row)
      const cell = f64[cells + i] as number
      if (cell === 0) {
        this.late.add(chunk, index)
        late.push(index)
        engine.refs.remove(this.#refs[row] as number)
        continue
      }
      const event = chunk.values[index]
      let other: unknown
      if (isEncoded(cell)) {
        other = this.#valueAt(f64[cellsAt + i] as number)
        ;({ u32, f64 } = engine.views) // Memory may have grown.
      } else other = engine.refs.get(cell)
      const pair = inputOf(chunk, index) === 0 ? new Pair(event, other) : new Pair(other, event)
      out.emit(pair, causeOf(chunk, index), f64[times + i] as number)
    }
    engine.refs.collect()
  }

  /** The value of a cell that had encoded bytes; another pair may have had them decoded. */
  #valueAt(cellAt: number): unknown {
    const { engine } = this.operator
    const cell = engine.views.word(cellAt)
    return isEncoded(cell) ? decodeCell(this.operator, cellAt, cell) : engine.refs.get(cell)
  }
}

/** The key of the event of a row: of a tuple of it and the side. */
function eventKey(operator: Operator, row: number): KeyValue {
  const { u8 } = operator.engine.views
  const { from } = ownerOf(operator, row)
  const size = (u8[from + 2] as number) + (u8[from + 3] as number) * 256
  return decodeKey(u8, from + 4, from + 4 + size)
}
