/**
 * P12: how large the module is, and how soon after the import there is a first result.
 */
import { readFileSync } from "node:fs"
import { brotliCompressSync, constants } from "node:zlib"
import { type Extent, type Figure, fresh, median, rounded } from "./harness.ts"

const module = new URL("../../dist/millrace.wasm", import.meta.url)

/** A program that says how long its import took, and from there to its first result. */
const program = `
  const start = performance.now()
  const { count, from } = await import("millrace")
  const imported = performance.now()
  const stream = from([{ key: "a" }]).keyBy("key").aggregate({ n: count() })
  let first
  for await (const row of stream) first ??= row
  const end = performance.now()
  if (first.n !== 1) throw new Error("the first result is wrong")
  console.log(JSON.stringify({ importMs: imported - start, resultMs: end - imported }))
`

interface Start {
  importMs: number
  resultMs: number
}

/** Measure P12. */
export async function p12({ quick }: Extent): Promise<Figure[]> {
  const bytes = readFileSync(module)
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }
  const brotli = brotliCompressSync(bytes, quality)
  return [
    { ...common, ...kilobytes("module, raw", bytes), must: 150, aim: 100, detail: {} },
    { ...common, ...kilobytes("module, brotli", brotli), must: 50, aim: 35, detail: {} },
    { ...common, ...firstResult(quick ? 5 : 15), must: 20, aim: 10 },
  ]
}

const common = { id: "P12", better: "lower", control: "" } as const

function kilobytes(name: string, bytes: Uint8Array) {
  return { case: name, figure: bytes.length / 1000, unit: "KB" }
}

function firstResult(runs: number) {
  const args = ["--input-type=module", "--eval", program]
  const starts = Array.from({ length: runs }, () => fresh("the first result", args) as Start)
  const importMs = median(starts.map((start) => start.importMs))
  const resultMs = median(starts.map((start) => start.resultMs))
  const detail = { "the import itself": rounded(importMs) }
  return { case: "first result after import", figure: resultMs, unit: "ms", detail }
}
