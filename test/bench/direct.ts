/**
 * The engine itself, without a job around it: what one call, or one stretch of work, takes.
 */
import { readFileSync } from "node:fs"
import { Engine } from "../../js/engine/engine.ts"
import { Operator } from "../../js/engine/operator.ts"
import type { StateLimits } from "../../js/engine/operator.ts"
import { keyLength, putKeyText } from "./data.ts"
import { cpuMsSince } from "./harness.ts"

export const chunkSize = 1024

/** The first of the key bytes of a string. */
const stringTag = 5

/** Count and sum by key. */
export function openTotals(limits: StateLimits, tracks = false): Operator {
  const module = new WebAssembly.Module(moduleBytes())
  const engine = new Engine(module, { memoryBytesMax: 2 ** 32, tracks })
  return new Operator(engine, "totals", {
    kind: "aggregate",
    limits,
    aggregates: [
      { kind: "count", column: 0 },
      { kind: "sum", column: 0 },
    ],
  })
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const built = new URL("../../dist/millrace.wasm", import.meta.url)
  return new Uint8Array(readFileSync(process.env["MILLRACE_WASM"] ?? built))
}

/** Milliseconds from now on: wall or CPU time, whichever is smaller. */
export function stopwatch(): () => number {
  const cpuBefore = process.cpuUsage()
  const wallBefore = performance.now()
  return () => Math.min(performance.now() - wallBefore, cpuMsSince(cpuBefore))
}

/**
 * Write one chunk into the operator's input: keys by number, and 1 as the value of each. Nothing is
 * allocated in JavaScript, so that no garbage is collected on other threads while a call is timed.
 */
export function fill(operator: Operator, keyAt: (row: number) => number): void {
  fillKeyBytes(operator, 1 + keyLength, (bytes, at, row) => {
    bytes[at] = stringTag
    putKeyText(bytes, at + 1, keyAt(row))
  })
}

/** The same with keys of `size` bytes that `put` writes. */
export function fillKeyBytes(
  operator: Operator,
  size: number,
  put: (bytes: Uint8Array, at: number, row: number) => void,
): void {
  const { input, engine } = operator
  const { views } = engine
  input.reserve(chunkSize, chunkSize * size, 1)
  const offsets = input.keyOffsets
  for (let row = 0; row <= chunkSize; row++) views.u32[offsets + row] = row * size
  const { keys } = input
  for (let row = 0; row < chunkSize; row++) put(keys, row * size, row)
  const values = input.column(0)
  views.f64.fill(1, values, values + chunkSize)
  input.size = chunkSize
  input.nulls = 0n
  input.stamp(0)
}
