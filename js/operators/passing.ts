/**
 * Operators whole in C that let some events pass, as the same objects: deduplicate, throttle.
 */
import { causeOf } from "../chunk.ts"
import { Operator } from "../engine/operator.ts"
import type { OperatorSpec } from "../engine/operator.ts"
import type { Runner, Site } from "../graph.ts"
import type { KeyReader } from "../state/keys.ts"
import { pushChunk, valueOf } from "./pushed.ts"

/** Open such an operator; `readRow` makes what `job.state` shows of a row. */
export function openPassing(
  site: Site,
  read: KeyReader,
  spec: OperatorSpec,
  readRow: (operator: Operator, row: number) => unknown,
): Runner {
  const operator = new Operator(site.engine, site.uid, spec)
  return {
    operator,
    readRow: (row) => readRow(operator, row),
    run(chunk) {
      const values: unknown[] = []
      const at: number[] = []
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
          for (let i = 0; i < size; i++) {
            const index = valueOf(slice, u32[positions + i] as number)
            values.push(chunk.values[index])
            at.push(causeOf(chunk, index))
          }
        },
      )
      return { chunk: { values, at: Uint32Array.from(at), arrival: chunk.arrival }, failure }
    },
  }
}
