/**
 * The events of two inputs on their way through a join in C: keys, sides and refs of the events in,
 * pairs out; what is common to all ways of telling which events are pairs.
 */
import { causedBy } from "../../chunk.ts"
import type { Chunk, Failure } from "../../chunk.ts"
import { copyOf } from "../../copy.ts"
import { joinColumns } from "../../engine/abi.ts"
import type { Filled } from "../../engine/fill.ts"
import { ownerOf } from "../../engine/keyed_rows.ts"
import { Operator } from "../../engine/operator.ts"
import type { OperatorSpec, StateLimits } from "../../engine/operator.ts"
import { RefCell } from "../../engine/ref_cell.ts"
import { Rows } from "../../engine/rows.ts"
import type { Ran, Runner, Site, StateSchema } from "../../graph.ts"
import { joinSides } from "../../sides.ts"
import type { KeyReader, KeyValue } from "../../state/keys.ts"
import { decodeKey } from "../../state/keys.ts"
import type { NamedState, ToldRows } from "../../states.ts"
import type { AnyTag } from "../../tag.ts"
import { LateCounter } from "../../time/late.ts"
import { Emissions } from "../emissions.ts"
import { Evictions } from "../evictions.ts"
import { readerOf } from "../inputs.ts"
import { pushChunk, valueOf } from "../pushed.ts"
import type { Columns, Slice } from "../pushed.ts"
import { SliceRefs } from "../slice_refs.ts"

/** Two events that belong together; what `onError` and `errorsTo` see of them. */
export class Pair<L = unknown, R = unknown> {
  /** Stays for good, as in passage.ts. */
  static readonly lasting = new Pair(undefined, undefined)
  readonly left: L
  readonly right: R

  constructor(left: L, right: R) {
    this.left = left
    this.right = right
  }
}

/** One of a right event that has no partner: the key is that of the right. */
export class RightAlone<R = unknown> extends Pair<undefined, R> {
  constructor(right: R) {
    super(undefined, right)
  }
}

/** What a join is made of. */
export interface JoinPlan {
  readonly readers: readonly [left: KeyReader, right: KeyReader]
  readonly schema: StateSchema
  /** Of the events that are kept. */
  readonly limits: StateLimits
  readonly lateTo: AnyTag | undefined
  readonly evictedTo: AnyTag | undefined
}

/** What comes of a chunk. */
export interface Joined {
  readonly out: Emissions
  /** The values that were late. */
  readonly late: number[]
}

export abstract class JoinRunner implements Runner {
  readonly operator: Operator
  readonly states: readonly NamedState[]
  readonly evictions: Evictions
  readonly late = new LateCounter()
  readonly #plan: JoinPlan
  readonly #event: RefCell
  readonly #refs: SliceRefs

  constructor(site: Site, plan: JoinPlan, join: NonNullable<OperatorSpec["join"]>) {
    const { limits, schema, evictedTo } = plan
    const operator = new Operator(
      site.engine,
      site.uid,
      {
        kind: "join",
        limits,
        fields: ["ref"],
        join,
        ...{ timers: true, entries: true, keepEvicted: true },
      },
      site.label,
    )
    this.operator = operator
    this.states = [{ name: "", schema, operator, told: this.#told() }]
    this.#plan = plan
    this.#refs = new SliceRefs(operator)
    this.#event = new RefCell(new Rows(operator), 0)
    this.evictions = new Evictions(operator, (row) => this.#event.get(row), evictedTo, eventKey)
  }

  run(chunk: Chunk): Ran {
    const joined: Joined = { out: new Emissions(chunk, true), late: [] }
    const columns: Columns = { count: joinColumns.JOIN_COLUMNS, fill: (slice) => this.#fill(slice) }
    const take = (slice: Slice) => this.take(slice, joined)
    const read = readerOf(chunk, this.#plan.readers)
    const failure = pushChunk(chunk, this, read, take, columns)
    if (failure !== undefined) {
      this.#refs.takeBack()
      this.failed?.(chunk, failure, joined)
    }
    return { chunk: joined.out.chunk(), sides: this.#sides(chunk, joined), failure }
  }

  /** Take the results of a push. */
  protected abstract take(slice: Slice, joined: Joined): void

  abstract settle(chunk: Chunk): Ran | undefined

  /** An event of a chunk was refused; what was due before it is still to be given. */
  protected failed?(chunk: Chunk, failure: Failure, joined: Joined): void

  /** Rows are under `[key, side]`, each under `[time, number]` of its own. */
  #told(): ToldRows {
    return {
      keysOf: (key) => [false, true].map((right) => [key, right]),
      tell: (row, key, entry) => {
        const side = (key as readonly KeyValue[])[1] === true ? "right" : "left"
        const timeMs = (entry as readonly KeyValue[])[0]
        const event = copyOf(this.#event.get(row))
        return { list: "buffered", events: [{ side, timeMs, event }] }
      },
    }
  }

  #sides(chunk: Chunk, { late }: Joined): Ran["sides"] {
    const { lateTo, evictedTo } = this.#plan
    if (lateTo === undefined && evictedTo === undefined) return undefined
    const values = late.map((index) => chunk.values[index])
    const side = causedBy(chunk, values, Uint32Array.from(late))
    const lateSide = lateTo === undefined ? undefined : new Map([[lateTo, side]])
    return joinSides([lateSide, this.evictions.sides(chunk)])
  }

  #fill(slice: Slice): Filled {
    const { input, engine } = this.operator
    const { chunk, filled } = slice
    this.#refs.make(slice)
    const { f64 } = engine.views
    const sides = input.column(joinColumns.JOIN_SIDE)
    const { inputs = 0 } = chunk
    if (typeof inputs === "number") f64.fill(inputs, sides, sides + filled.size)
    else {
      for (let row = 0; row < filled.size; row++) {
        f64[sides + row] = inputs[valueOf(slice, row)] as number
      }
    }
    this.#refs.write(joinColumns.JOIN_EVENT)
    return filled
  }

  /** The event of a row was late. */
  protected leaveOut(slice: Slice, row: number, { late }: Joined): void {
    const index = valueOf(slice, row)
    this.late.add(slice.chunk, index)
    late.push(index)
    this.#refs.remove(row)
  }
}

/** The key of the event of a row: of a tuple of it and the side. */
function eventKey(operator: Operator, row: number): KeyValue {
  const { u8 } = operator.engine.views
  const { from } = ownerOf(operator, row)
  const size = (u8[from + 2] as number) + (u8[from + 3] as number) * 256
  return decodeKey(u8, from + 4, from + 4 + size)
}
