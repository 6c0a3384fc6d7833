/**
 * The border as wasm/README.md shows it, and its handles, on the module that MILLRACE_WASM names.
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { beforeEach, describe, expect, it } from "vitest"
import { layouts, operatorKinds, status } from "../js/engine/abi.ts"
import { Batch } from "../js/engine/batch.ts"
import { Engine } from "../js/engine/engine.ts"
import { Operator } from "../js/engine/operator.ts"
import { loadModule } from "../js/module.ts"
import { noLimits } from "../js/state/config.ts"

describe("wasm/README.md", () => {
  const readme = readFileSync(new URL("../wasm/README.md", import.meta.url), "utf8")
  const block = (language: string) =>
    new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "m").exec(readme)?.[1] ?? ""

  it("has a program that prints what it says", () => {
    const args = ["--input-type=module", "--eval", block("js")]
    expect(execFileSync(process.execPath, args, { encoding: "utf8" })).toBe(block("text"))
  })

  it("has the offsets that C printed", () => {
    const literal = (name: string) => {
      const text = new RegExp(`^const ${name} = ({[^]*?})\n(?=const)`, "m").exec(block("js"))?.[1]
      return JSON.parse(text ?? "null") as Record<string, unknown>
    }
    for (const [name, fields] of Object.entries(literal("at"))) {
      expect(layouts[name as keyof typeof layouts].at).toMatchObject(fields as object)
    }
    for (const [name, size] of Object.entries(literal("bytes"))) {
      expect(layouts[name as keyof typeof layouts].bytes).toBe(size)
    }
    expect(operatorKinds.AGGREGATE).toBe(1)
  })

  it("names every status that there is", () => {
    const { OK, MORE, ...refusals } = status
    expect([OK, MORE]).toEqual([0, 1])
    expect(Object.values(refusals).every((value) => value < 0)).toBe(true)
  })
})

describe("a handle", () => {
  let engine: Engine
  let op: Operator
  let batch: Batch

  beforeEach(async () => {
    const module = await loadModule()
    engine = new Engine(module, { memoryBytesMax: 1 << 24 })
    op = new Operator(engine, "op", { kind: "aggregate", limits: noLimits, aggregates: [] })
    batch = new Batch(engine)
  })

  /** Every function that takes a handle, called with this one; arguments behind it are 0. */
  const refusals = (kind: "engine" | "op" | "batch" | "scan", handle: number) => {
    const { wasm, scratch } = engine
    const byKind = {
      engine: () => [
        wasm.mr_engine_memory(handle, scratch),
        wasm.mr_alloc(handle, 8, scratch),
        wasm.mr_free(handle, 0, 0),
        wasm.mr_refs_reserve(handle, 8, scratch),
        wasm.mr_batch_open(handle, scratch),
        wasm.mr_operator_open(handle, scratch, scratch),
        wasm.mr_engine_close(handle),
      ],
      op: () => [
        wasm.mr_operator_layout(handle, scratch),
        wasm.mr_operator_stats(handle, scratch),
        wasm.mr_operator_push(handle, batch.handle, 0, scratch, batch.handle),
        wasm.mr_operator_advance(handle, 0, batch.handle),
        wasm.mr_operator_expire(handle, 0, 1),
        wasm.mr_operator_results(handle, 0, 0, batch.handle),
        wasm.mr_find(handle, batch.handle, scratch),
        wasm.mr_row_look(handle, 0, 0, scratch),
        wasm.mr_row_enter(handle, 0),
        wasm.mr_row_create(handle, 0, scratch),
        wasm.mr_row_touch(handle, 0, 1),
        wasm.mr_row_remove(handle, 0),
        wasm.mr_blob_new(handle, scratch, 1, scratch),
        wasm.mr_blob_free(handle, 0),
        wasm.mr_ref_decoded(handle, 0, 0),
        wasm.mr_scan_open(handle, 0, scratch),
        wasm.mr_load(handle, scratch, 0, 0, 1),
        wasm.mr_changes_of(handle, scratch),
        wasm.mr_changes_scan(handle, 0, scratch),
        wasm.mr_changes_end(handle, 0),
        wasm.mr_row_changes(handle, 8),
        wasm.mr_load_end(handle),
        wasm.mr_operator_close(handle),
      ],
      batch: () => [
        wasm.mr_batch_reserve(handle, 1, 1, 1, scratch),
        wasm.mr_batch_reserve_keys(handle, 1),
        wasm.mr_find(op.handle, handle, scratch),
        wasm.mr_operator_push(op.handle, handle, 0, scratch, batch.handle),
        wasm.mr_operator_advance(op.handle, 0, handle),
        wasm.mr_batch_close(handle),
      ],
      scan: () => [
        wasm.mr_scan_next(handle, 1, scratch),
        wasm.mr_save(handle, 0, scratch, scratch, scratch, 0, 1, scratch, scratch),
        wasm.mr_scan_close(handle),
      ],
    }
    return byKind[kind]()
  }
  const all = (kind: Parameters<typeof refusals>[0], handle: number) =>
    refusals(kind, handle).map((each) => (each === status.ERR_HANDLE ? "refused" : each))
  const refused = (count: number) => Array.from({ length: count }, () => "refused")

  const openScan = () => {
    expect(engine.wasm.mr_scan_open(op.handle, 0, engine.scratch)).toBe(0)
    return engine.views.word(engine.scratch)
  }

  it("that was closed is refused everywhere, closing included", () => {
    const scan = openScan()
    engine.wasm.mr_scan_close(scan)
    expect(all("scan", scan)).toEqual(refused(3))
    const second = new Batch(engine)
    second.close()
    expect(all("batch", second.handle)).toEqual(refused(6))
    expect(engine.wasm.mr_operator_close(op.handle)).toBe(0)
    expect(all("op", op.handle)).toEqual(refused(23))
    const { handle } = engine
    expect(engine.wasm.mr_engine_close(handle)).toBe(0)
    expect(all("engine", handle)).toEqual(refused(7))
  })

  it("that was closed stays so when its slot is used again", () => {
    const second = new Batch(engine)
    second.close()
    const third = new Batch(engine)
    expect(third.handle).not.toBe(second.handle)
    expect(all("batch", second.handle)).toEqual(refused(6))
    third.reserve(1, 1, 1)
  })

  it("is closed with its engine", () => {
    const scan = openScan()
    const { handle } = engine
    engine.wasm.mr_engine_close(handle)
    expect(all("scan", scan)).toEqual(refused(3))
    expect(all("op", op.handle)).toEqual(refused(23))
    expect(all("batch", batch.handle)).toEqual(refused(6))
  })

  it("of another kind is refused", () => {
    const scan = openScan()
    const { handle } = engine
    expect(all("engine", op.handle)).toEqual(refused(7))
    expect(all("op", batch.handle)).toEqual(refused(23))
    expect(all("batch", scan)).toEqual(refused(6))
    expect(all("scan", handle)).toEqual(refused(3))
    expect(engine.memory().live).toBeGreaterThan(0)
  })

  it("that was never issued is refused; to close none is nothing", () => {
    for (const never of [0xffff_ffff, 0x7fff_ffff, 12_345_678]) {
      expect(all("engine", never)).toEqual(refused(7))
      expect(all("op", never)).toEqual(refused(23))
      expect(all("batch", never)).toEqual(refused(6))
      expect(all("scan", never)).toEqual(refused(3))
    }
    expect(engine.wasm.mr_engine_close(0)).toBe(0)
  })

  it("of another engine of the same module is refused where two must be of one", () => {
    const { wasm, scratch } = engine
    wasm.mr_engine_open(writeOptions(engine), scratch + 16)
    const foreign = engine.views.word(scratch + 16)
    wasm.mr_batch_open(foreign, scratch)
    const theirs = engine.views.word(scratch)
    expect([
      wasm.mr_operator_push(op.handle, theirs, 0, scratch, batch.handle),
      wasm.mr_operator_push(op.handle, batch.handle, 0, scratch, theirs),
      wasm.mr_operator_advance(op.handle, 0, theirs),
      wasm.mr_find(op.handle, theirs, scratch),
    ]).toEqual([status.ERR_HANDLE, status.ERR_HANDLE, status.ERR_HANDLE, status.ERR_HANDLE])
  })
})

/** The options of an engine, in scratch memory. */
function writeOptions({ views, scratch }: Engine): number {
  views.u64[scratch >>> 3] = BigInt(1 << 24)
  views.u64[(scratch + 8) >>> 3] = 1n
  return scratch
}
