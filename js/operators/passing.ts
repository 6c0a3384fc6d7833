/**
 * Operators whole in C that let some events pass, as the same objects: deduplicate, throttle.
 */
import { select } from "../chunk.ts"
import { Operator } from "../engine/operator.ts"
import type { OperatorSpec } from "../engine/operator.ts"
import type { Runner, Site } from "../graph.ts"
import type { KeyReader } from "../state/keys.ts"
import type { AnyTag } from "../tag.ts"
import { joinSides } from "../sides.ts"
import { Evictions } from "./evictions.ts"
import { afterChunk, pushChunk, valueOf } from "./pushed.ts"

/** The side outputs of such an operator: for events that do not pass, and keys that it forgets. */
interface PassingTags {
  readonly rest?: AnyTag | undefined
  readonly evictedTo?: AnyTag | undefined
}

/** Open such an operator; `readRow` makes what `job.state` shows of a row. */
export function openPassing(
  site: Site,
  read: KeyReader,
  spec: OperatorSpec,
  readRow: (operator: Operator, row: number) => unknown,
  { rest, evictedTo }: PassingTags,
): Runner {
  const operator = new Operator(site.engine, site.uid, spec, site.label)
  const evictions = new Evictions(operator, (row) => readRow(operator, row), evictedTo)
  const pushed = { operator, evictions }
  return {
    ...pushed,
    readRow: (row) => readRow(operator, row),
    run(chunk) {
      const passing = new Uint32Array(chunk.values.length)
      let size = 0
      const refused: number[] = []
      const failure = pushChunk(chunk, pushed, read, (slice) => {
        const { results } = operator
        const { u32 } = site.engine.views
        const positions = results.positions
        const end = positions + results.size
        let row = slice.pushedFrom
        for (let i = positions; i < end; i++) {
          const passed = u32[i] as number
          if (rest !== undefined) {
            for (; row < passed; row++) refused.push(valueOf(slice, row))
            row = passed + 1
          }
          passing[size++] = valueOf(slice, passed)
        }
        if (rest === undefined) return
        for (; row < operator.upto; row++) refused.push(valueOf(slice, row))
      })
      const result = select(chunk, passing.subarray(0, size))
      if (rest === undefined && evictedTo === undefined) return { chunk: result, failure }
      const evicted = evictions.sides(chunk)
      if (rest === undefined) return { chunk: result, sides: evicted, failure }
      const aside = new Map([[rest, select(chunk, Uint32Array.from(refused))]])
      return { chunk: result, sides: joinSides([aside, evicted]), failure }
    },
    settle: (chunk) => afterChunk(operator, chunk),
  }
}
