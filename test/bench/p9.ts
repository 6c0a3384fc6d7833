/**
 * P9: checkpoints of what changed, and the way back.
 *
 *     state       17M rows, saved whole
 *     then        1 % of them change, at random: checkpoint; again and again; then 10 %
 *     at the end  the chain is loaded into another engine, whose rows must be the same
 *
 * The engine and the chain of a state are measured by themselves, with a storage that takes no
 * time: a stretch is the work between two chances for events to be processed. What a whole job has
 * of its throughput meanwhile is measured in p9_beside.ts.
 */
import { setImmediate } from "node:timers/promises"
import { cutState, extendChain } from "../../js/chain.ts"
import { sliceRowsMax } from "../../js/cut.ts"
import type { Operator } from "../../js/engine/operator.ts"
import { scanPages } from "../../js/engine/scan.ts"
import type { SavedSegment } from "../../js/manifest.ts"
import { noLimits } from "../../js/state/config.ts"
import { tag } from "../../js/state/key_bytes.ts"
import { chunkSize, fillKeyBytes, openTotals, stopwatch } from "./direct.ts"
import { throughputBeside } from "./p9_beside.ts"
import { type Extent, type Figure, median, quantile, rounded } from "./harness.ts"

const mib = 2 ** 20

/** Spreads row numbers over all rows; a prime that divides no count of rows here. */
const stride = 7_368_787

/** A key is a number. */
const number = new Float64Array(1)
const numberBytes = new Uint8Array(number.buffer)

/** Measure P9; a quick run has a million rows. */
export async function p9({ quick }: Extent): Promise<Figure[]> {
  const rows = quick ? 1_000_000 : 17_000_000 // More than 1 GiB.
  const size = quick ? "1M" : "17M"
  await measure(50_000) // So that everything is compiled.
  const { all, few, many, restore, stateMib } = await measure(rows)
  const [besideRows, rounds] = quick ? [300_000, 3] : [10_000_000, 5]
  const beside = [
    await throughputBeside(besideRows, besideRows / 10, rounds),
    await throughputBeside(besideRows / 5, besideRows / 5, rounds),
  ]
  const common = { id: "P9", control: "" } as const
  const perRow = (of: Taken[], figure: "bytes" | "ms") =>
    median(of.map((taken) => taken[figure] / taken.changed))
  const stretches = [all, ...few, ...many].flatMap((taken) => taken.stretches)
  return [
    {
      ...common,
      case: `bytes per changed row, 1 % to 10 % of ${size}`,
      figure: perRow(few, "bytes") / perRow(many, "bytes"),
      unit: "x",
      must: 1.5,
      aim: 1.25,
      better: "lower",
      detail: {
        few: rounded(perRow(few, "bytes")),
        many: rounded(perRow(many, "bytes")),
        all: rounded(all.bytes / all.changed),
      },
    },
    {
      ...common,
      case: `time per changed row, 1 % to 10 % of ${size}`,
      figure: perRow(few, "ms") / perRow(many, "ms"),
      unit: "x",
      must: 1.5,
      aim: 1.25,
      better: "lower",
      detail: {
        fewNs: rounded(perRow(few, "ms") * 1e6),
        manyNs: rounded(perRow(many, "ms") * 1e6),
        allMs: rounded(all.ms),
      },
    },
    {
      ...common,
      case: `stretch of work p99, ${size}`,
      figure: quantile(stretches, 0.99),
      unit: "ms",
      must: 4,
      aim: 2,
      better: "lower",
      detail: {
        p50: rounded(quantile(stretches, 0.5)),
        max: rounded(Math.max(...stretches)),
        stateMib: rounded(stateMib),
      },
    },
    {
      ...common,
      case: `restore, ${size}`,
      figure: restore.bytes / mib / (restore.ms / 1000),
      unit: "MB/s",
      must: 200,
      aim: 500,
      better: "higher",
      detail: { ms: rounded(restore.ms), entriesPerRow: rounded(restore.entries / rows) },
    },
    ...beside,
  ]
}

/** One checkpoint: rows that changed, and what was written. */
interface Taken {
  readonly changed: number
  bytes: number
  ms: number
  /** Milliseconds of each stretch of work. */
  readonly stretches: number[]
}

async function measure(rows: number) {
  const { saved, ...taken } = await save(rows)
  globalThis.gc?.() // The engine that saved them is gone, as after a restart, and so is its memory.
  const restore = restoreInto(openTotals(noLimits, true), saved)
  return { ...taken, restore }
}

/** Rows, saved by one checkpoint after another. */
async function save(rows: number) {
  const operator = openTotals(noLimits, true)
  const state: State = { operator, chain: [], values: new Map(), rows, turn: 0 }
  const all = await change(state, rows)
  const few: Taken[] = []
  const many: Taken[] = []
  for (let round = 0; round < 7; round++) few.push(await change(state, rows / 100))
  for (let round = 0; round < 7; round++) many.push(await change(state, rows / 10))
  const stateMib = operator.engine.memory().live / mib
  const { chain, values } = state
  const saved: Saved = { chain, values, rows, digest: digestOf(operator) }
  operator.engine.close()
  return { all, few, many, stateMib, saved }
}

/** What is in storage in the end, and the digest of what it should be. */
interface Saved {
  readonly chain: readonly SavedSegment[]
  readonly values: ReadonlyMap<string, Uint8Array>
  readonly rows: number
  readonly digest: string
}

interface State {
  readonly operator: Operator
  chain: readonly SavedSegment[]
  /** What storage has. */
  readonly values: Map<string, Uint8Array>
  readonly rows: number
  /** Events so far. */
  turn: number
}

/** Change so many rows, each once, and take a checkpoint. */
async function change(state: State, count: number): Promise<Taken> {
  const { operator, rows, values } = state
  const { engine, handle, input, results } = operator
  for (let done = 0; done < count; done += chunkSize) {
    const from = state.turn + done
    fillKeyBytes(operator, 9, (bytes, at, row) => {
      number[0] = ((from + Math.min(row, count - done - 1)) * stride) % rows
      bytes[at] = tag.number
      bytes.set(numberBytes, at + 1)
    })
    engine.check(
      "push",
      engine.wasm.mr_operator_push(handle, input.handle, 0, engine.scratch, results.handle),
    )
  }
  state.turn += count
  globalThis.gc?.()
  await setImmediate()
  const taken: Taken = { changed: count, bytes: 0, ms: 0, stretches: [] }
  let busy = stopwatch()
  const rest = (): void => {
    const ms = busy()
    taken.stretches.push(ms)
    taken.ms += ms
  }
  const cut = cutState(operator, state.chain)
  const added: SavedSegment[] = []
  while (cut !== undefined && !cut.done) {
    cut.step(sliceRowsMax)
    for (const { bytes, ...segment } of cut.take()) {
      const checksum = engine.checksum(bytes)
      const key = String(segment.number)
      values.set(key, bytes)
      taken.bytes += bytes.length
      added.push({ key, bytes: bytes.length, checksum, ...segment })
    }
    rest()
    await setImmediate()
    busy = stopwatch()
  }
  cut?.close()
  state.chain = extendChain(state.chain, added, cut?.oldest ?? 0)
  operator.endChanges(true)
  rest()
  const kept = new Set(state.chain.map(({ key }) => key))
  for (const key of values.keys()) if (!kept.has(key)) values.delete(key)
  return taken
}

/** Load the chain into a fresh engine, and compare the rows. */
function restoreInto(operator: Operator, { chain, values, rows, digest }: Saved) {
  const segments = chain.map((saved) => ({ ...saved, value: values.get(saved.key)! }))
  globalThis.gc?.()
  const busy = stopwatch()
  operator.loadBegin(rows)
  for (const { value, checksum, number } of segments) {
    if (operator.engine.checksum(value) !== checksum) throw new Error("a segment is damaged")
    operator.load(value, 0, number)
  }
  operator.loaded()
  const ms = busy()
  const is = digestOf(operator)
  if (is !== digest) throw new Error(`the restored state is ${is}, not ${digest}`)
  const sum = (of: "bytes" | "entries") => chain.reduce((total, each) => total + each[of], 0)
  operator.engine.close()
  return { ms, bytes: sum("bytes"), entries: sum("entries") }
}

/** Rows and a checksum of their results, in first-seen order. */
function digestOf(operator: Operator): string {
  const { engine, results } = operator
  let digest = 0n
  for (const { rows, count } of scanPages(operator, -Infinity)) {
    operator.resultsOf(rows * 4, count)
    for (const column of [0, 1]) {
      const at = results.column(column)
      const bytes = new Uint8Array(engine.views.buffer, at * 8, count * 8)
      digest = BigInt.asUintN(64, digest * 31n + engine.checksum(bytes.slice()))
    }
  }
  return `${operator.stats().rows} rows, ${digest.toString(16)}`
}
