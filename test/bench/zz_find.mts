import { noLimits } from "../../js/state/config.ts"
import { chunkSize, fill, openTotals } from "./direct.ts"
import { uniform } from "./data.ts"
for (const [keys, n] of [[1000, 400], [100_000, 1000], [1_000_000, 1000]] as const) {
  const op = openTotals(noLimits)
  const { engine, handle, input, results } = op
  const { wasm, scratch } = engine
  const grow: number[] = [], steady: number[] = []
  const numbers = uniform(keys, chunkSize * n * 2, 7)
  for (let c = 0; c < n * 2; c++) {
    fill(op, (row) => numbers[c * chunkSize + row]!)
    const t = process.hrtime.bigint()
    wasm.mr_operator_push(handle, input.handle, 0, scratch, results.handle)
    const ns = Number(process.hrtime.bigint() - t) / chunkSize
    ;(c < n ? grow : steady).push(ns)
    engine.views.follow()
  }
  const q = (a: number[], p: number) => a.sort((x, y) => x - y)[Math.floor(a.length * p)]!.toFixed(1)
  console.log(keys, "first half: p10", q(grow, 0.1), "p50", q(grow, 0.5), "  second: p10", q(steady, 0.1), "p50", q(steady, 0.5))
  engine.close()
}
