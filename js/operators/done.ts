/**
 * Verbs that come to an end before their source: take, takeWhile.
 */
import type { Operator } from "../engine/operator.ts"
import type { Runner } from "../graph.ts"

/** A runner that gives nothing more once `done` says so. */
export function withDone(
  runner: Runner,
  done: () => boolean,
  run: Runner["run"] = (chunk, tolerate) => runner.run(chunk, tolerate),
): Runner {
  return {
    operator: runner.operator as Operator,
    concurrency: runner.concurrency ?? 1,
    run,
    settle: (chunk) => runner.settle?.(chunk),
    close: () => runner.close?.(),
    readRow: (row) => runner.readRow?.(row),
    trace: (tracing) => runner.trace?.(tracing),
    get waits() {
      return runner.waits ?? false
    },
    get done() {
      return done()
    },
  }
}
