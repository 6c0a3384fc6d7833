/**
 * Operators whole in C that let some events pass, as the same objects: deduplicate, throttle.
 */
import { noChunk, select } from "../chunk.ts"
import type { Chunk } from "../chunk.ts"
import { Operator } from "../engine/operator.ts"
import type { OperatorSpec } from "../engine/operator.ts"
import type { Ran, Runner, Site } from "../graph.ts"
import type { KeyReader } from "../state/keys.ts"
import type { AnyTag } from "../tag.ts"
import { joinSides } from "../sides.ts"
import { Evictions } from "./evictions.ts"
import { afterChunk, pushChunk, valueOf } from "./pushed.ts"
import type { Slice } from "./pushed.ts"

/** The side outputs of such an operator: for events that do not pass, and keys that it forgets. */
interface PassingTags {
  readonly rest?: AnyTag | undefined
  readonly evictedTo?: AnyTag | undefined
}

/** Such an operator; `readRow` makes what `job.state` shows of a row. */
export class PassingRunner implements Runner {
  readonly operator: Operator
  readonly evictions: Evictions
  readonly #read: KeyReader
  readonly #readRow: (operator: Operator, row: number) => unknown
  readonly #tags: PassingTags

  constructor(
    site: Site,
    read: KeyReader,
    spec: OperatorSpec,
    readRow: (operator: Operator, row: number) => unknown,
    tags: PassingTags,
  ) {
    this.operator = new Operator(site.engine, site.uid, spec, site.label)
    this.evictions = new Evictions(this.operator, (row) => this.readRow(row), tags.evictedTo)
    this.#read = read
    this.#readRow = readRow
    this.#tags = tags
  }

  run(chunk: Chunk): Ran {
    const { rest, evictedTo } = this.#tags
    const out = new Passing(chunk, rest !== undefined)
    const take = (slice: Slice) => out.take(this.operator, slice)
    const failure = pushChunk(chunk, this, this.#read, take)
    const passed = out.passed()
    if (rest === undefined && evictedTo === undefined) return { chunk: passed, failure }
    const evicted = this.evictions.sides(chunk)
    if (rest === undefined) return { chunk: passed, sides: evicted, failure }
    const aside = new Map([[rest, out.refused()]])
    return { chunk: passed, sides: joinSides([aside, evicted]), failure }
  }

  settle(chunk: Chunk): undefined {
    return afterChunk(this.operator, chunk)
  }

  readRow(row: number): unknown {
    return this.#readRow(this.operator, row)
  }
}

/** Which values of a chunk pass, and which do not, if anybody asks. */
class Passing {
  /** Stays for good, as in passage.ts. */
  static readonly lasting = new Passing(noChunk, false)
  readonly #chunk: Chunk
  readonly #passing: Uint32Array
  #size = 0
  readonly #refused: number[] | undefined

  constructor(chunk: Chunk, asked: boolean) {
    this.#chunk = chunk
    this.#passing = new Uint32Array(chunk.values.length)
    this.#refused = asked ? [] : undefined
  }

  /** Take the results of a push. */
  take({ results, engine, upto }: Operator, slice: Slice): void {
    const { u32 } = engine.views
    const { positions } = results
    const end = positions + results.size
    const refused = this.#refused
    let row = slice.pushedFrom
    for (let i = positions; i < end; i++) {
      const passed = u32[i] as number
      if (refused !== undefined) {
        for (; row < passed; row++) refused.push(valueOf(slice, row))
        row = passed + 1
      }
      this.#passing[this.#size++] = valueOf(slice, passed)
    }
    if (refused === undefined) return
    for (; row < upto; row++) refused.push(valueOf(slice, row))
  }

  passed(): Chunk {
    return select(this.#chunk, this.#passing.subarray(0, this.#size))
  }

  refused(): Chunk {
    return select(this.#chunk, Uint32Array.from(this.#refused ?? []))
  }
}
