/**
 * Operators whole in C that let some events pass, as the same objects: deduplicate, throttle.
 */
import { select } from "../chunk.ts"
import { Operator } from "../engine/operator.ts"
import type { OperatorSpec } from "../engine/operator.ts"
import type { Runner, Site } from "../graph.ts"
import type { KeyReader } from "../state/keys.ts"
import type { AnyTag } from "../tag.ts"
import { afterChunk, pushChunk, valueOf } from "./pushed.ts"

/**
 * Open such an operator; `readRow` makes what `job.state` shows of a row. Events that do not
 * pass go to `rest`, if there is such a tag.
 */
export function openPassing(
  site: Site,
  read: KeyReader,
  spec: OperatorSpec,
  readRow: (operator: Operator, row: number) => unknown,
  rest?: AnyTag,
): Runner {
  const operator = new Operator(site.engine, site.uid, spec)
  return {
    operator,
    readRow: (row) => readRow(operator, row),
    run(chunk) {
      const passed: number[] = []
      const refused: number[] = []
      const failure = pushChunk(
        chunk,
        operator,
        read,
        0,
        ({ filled }) => filled,
        (slice) => {
          const { results } = operator
          const { u32 } = site.engine.views
          const positions = results.positions
          const size = results.size
          let row = slice.pushedFrom
          for (let i = 0; i < size; i++) {
            const passing = u32[positions + i] as number
            if (rest !== undefined) {
              for (; row < passing; row++) refused.push(valueOf(slice, row))
              row = passing + 1
            }
            passed.push(valueOf(slice, passing))
          }
          if (rest === undefined) return
          for (; row < operator.upto; row++) refused.push(valueOf(slice, row))
        },
      )
      const result = select(chunk, Uint32Array.from(passed))
      if (rest === undefined) return { chunk: result, failure }
      return {
        chunk: result,
        sides: new Map([[rest, select(chunk, Uint32Array.from(refused))]]),
        failure,
      }
    },
    settle: (chunk) => afterChunk(operator, chunk, (row) => readRow(operator, row)),
  }
}
