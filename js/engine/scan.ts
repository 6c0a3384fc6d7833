/**
 * The rows of a state in first-seen order, page by page, and the saved form of what changed.
 */
import { MillraceError } from "../errors.ts"
import { layouts, limits, status } from "./abi.ts"
import type { Operator } from "./operator.ts"
import { cellsOfBlob, isEncoded } from "./refs.ts"
import type { Views } from "./views.ts"

/** Rows of a page: enough to be quick, few enough to be held. */
const pageRows = 1024

/**
 * Go over the rows that are visible at `timeMs` (-Infinity: all). Gives the word index in
 * `views.u32` of the page's first row address, and how many there are.
 *
 * @throws {MillraceError} `CLOSED` when a row of the state came or went since the scan began.
 */
export function scanPages(op: Operator, timeMs: number): Generator<Page> {
  const { wasm, scratch } = op.engine
  return pagesOf(op, () => wasm.mr_scan_open(op.handle, timeMs, scratch))
}

export interface Page {
  readonly scan: number
  readonly rows: number
  readonly count: number
}

/** The pages of a scan that `open` opens. */
function* pagesOf(op: Operator, open: () => number): Generator<Page> {
  const scan = openScan(op, open)
  try {
    for (;;) {
      const page = nextPage(op, scan, pageRows)
      if (page === undefined) return
      op.cut?.keep()
      yield page
    }
  } finally {
    op.engine.wasm.mr_scan_close(scan)
  }
}

/** The handle of a scan, which `open` writes to scratch memory. */
export function openScan({ engine }: Operator, open: () => number): number {
  engine.check("scan state", open())
  return engine.views.word(engine.scratch)
}

/** The next page of at most `rows` rows; undefined at the end. Throws as {@link scanPages}. */
export function nextPage(op: Operator, scan: number, rows: number): Page | undefined {
  const { wasm, scratch, views } = op.engine
  let result: number = status.MORE
  while (result === status.MORE) result = wasm.mr_scan_next(scan, rows, scratch)
  if (result === status.ERR_HANDLE) {
    const hint = "take the rows at once, as in [...state.scan()]"
    throw new MillraceError("CLOSED", `${op.label}: state changed while it was scanned; ${hint}`)
  }
  op.engine.check("scan state", result)
  const page = views.word(scratch)
  const count = views.word(page + layouts.page.at.count)
  if (count === 0) return undefined
  return { scan, rows: views.word(page + layouts.page.at.rows) >>> 2, count }
}

/** The most bytes of a segment, unless a single entry is larger. */
const segmentBytesMax = 1 << 20

/** Room for a segment at first: a small state needs no more, also at the memory limit. */
const segmentBytesMin = 16 << 10

/** The most bytes that one value may have when it is saved. */
export const valueBytesMax = 64 << 20

export type Encode = (value: unknown) => Uint8Array

/** What a segment holds. */
export interface Segment {
  readonly bytes: Uint8Array
  /** Of rows and of removed ones. */
  readonly entries: number
  /** Of a state, each has a higher one than those before. */
  readonly number: number
}

/**
 * Save the rows that are visible at `timeMs` for a savepoint: segments of at most
 * {@link segmentBytesMax}, each a copy, the same for the same rows wherever and however these came
 * to be. `encode` gives the bytes of a live value; throws what it throws.
 */
export function* saveAll(op: Operator, timeMs: number, encode: Encode): Generator<Segment> {
  const { wasm, scratch } = op.engine
  const pages = pagesOf(op, () => wasm.mr_savepoint_scan(op.handle, timeMs, scratch))
  const out = new Segments(op, 0)
  try {
    for (const { scan, rows, count } of pages) {
      const refs = gatherRefs(op, rows, count, encode)
      yield* out.savePage(scan, count, refs)
    }
    if (out.size > 0) yield out.take()
  } finally {
    pages.return(undefined)
    out.close()
  }
}

interface EncodedRefs {
  readonly bytes: Uint8Array
  readonly offsets: Uint32Array
}

/** Saved in place of a ref that there is not. */
const none = new Uint8Array(0)

/** The live refs of a page, encoded, one after another in the order of rows and fields. */
export function gatherRefs(op: Operator, rows: number, count: number, encode: Encode): EncodedRefs {
  const fields = (op.spec.fields ?? []).flatMap((kind, i) =>
    kind === "ref" || kind === "refs" ? [{ kind, at: op.layout.fieldAt[i] as number }] : [],
  )
  const { views, refs } = op.engine
  const parts: Uint8Array[] = []
  const offsets = [0]
  let size = 0
  for (let i = 0; i < count; i++) {
    const row = views.u32[rows + i] as number
    if (fields.length === 0 || row % 2 === limits.PAGE_GRAVE) continue
    const record = recordAt(op, row)
    const cells = fields.flatMap(({ kind, at }) =>
      kind === "ref" ? record + at : heldCells(views, views.word(record + at)),
    )
    for (const at of cells) {
      const cell = views.word(at)
      if (isEncoded(cell)) continue
      const part = cell === 0 ? none : encode(refs.get(cell))
      if (part.length > valueBytesMax) throw tooLarge(op, part.length)
      parts.push(part)
      size += part.length
      offsets.push(size)
    }
  }
  const bytes = new Uint8Array(Math.max(size, 1))
  parts.forEach((part, i) => void bytes.set(part, offsets[i]))
  return { bytes, offsets: Uint32Array.from(offsets) }
}

/** The cells of a blob of refs that hold something. */
function heldCells(views: Views, blob: number): number[] {
  return cellsOfBlob(views, blob).filter((at) => views.word(at) !== 0)
}

/** The address of a row's record. */
export function recordAt(op: Operator, row: number): number {
  return row - op.layout.recordBytes
}

/** One segment being filled in linear memory. */
export class Segments {
  readonly #op: Operator
  #room: number
  #address: number
  #entries = 0
  #number: number
  size = 0

  constructor(op: Operator, number: number) {
    this.#op = op
    this.#room = segmentBytesMin
    this.#address = op.engine.alloc(this.#room)
    this.#number = number
  }

  /**
   * Add a page; gives the segments that got full. Nothing waits in the middle of a page, because
   * somebody who looks at a row's value meanwhile decodes it, and then it has no bytes any more.
   */
  savePage(scan: number, count: number, refs: EncodedRefs): Segment[] {
    const { engine } = this.#op
    const full: Segment[] = []
    const bytes = engine.alloc(refs.bytes.length)
    const offsets = engine.alloc(refs.offsets.byteLength)
    try {
      engine.views.u8.set(refs.bytes, bytes)
      engine.views.u32.set(refs.offsets, offsets >>> 2)
      for (let from = 0; from < count;) {
        const { size } = this
        const upto = this.#save(scan, from, bytes, offsets)
        if (upto < count && this.#room < segmentBytesMax) {
          this.size = size
          this.#grow()
          continue // What a segment has depends on rows alone, not on how it began.
        }
        if (upto === from && this.size > 0) full.push(this.take())
        else if (upto === from) this.#grow()
        this.#entries += upto - from
        from = upto
      }
    } finally {
      engine.free(bytes, refs.bytes.length)
      engine.free(offsets, refs.offsets.byteLength)
    }
    return full
  }

  /** What was filled so far, as a copy. */
  take(): Segment {
    const bytes = this.#op.engine.views.u8.slice(this.#address, this.#address + this.size)
    const segment = { bytes, entries: this.#entries, number: this.#number++ }
    this.size = 0
    this.#entries = 0
    if (this.#room > segmentBytesMax) this.#resize(segmentBytesMax)
    return segment
  }

  close(): void {
    this.#op.engine.free(this.#address, this.#room)
  }

  #save(scan: number, from: number, bytes: number, offsets: number): number {
    const { wasm, scratch, views } = this.#op.engine
    const out = this.#address + this.size
    const room = this.#room - this.size
    const uptoOut = scratch
    const sizeOut = scratch + 4
    const number = this.#number
    const result = wasm.mr_save(scan, from, bytes, offsets, out, room, number, uptoOut, sizeOut)
    if (result < 0) throw this.#op.refusal("save state", result)
    this.size += views.word(sizeOut)
    return views.word(uptoOut)
  }

  /** A single entry may be larger than a segment: that segment is larger too. */
  #grow(): void {
    this.#resize(this.#room * 4)
  }

  #resize(room: number): void {
    const { engine } = this.#op
    const address = engine.alloc(room)
    engine.views.u8.copyWithin(address, this.#address, this.#address + this.size)
    engine.free(this.#address, this.#room)
    this.#address = address
    this.#room = room
  }
}

function tooLarge(op: Operator, size: number): MillraceError {
  const limit = `valueBytesMax is ${valueBytesMax}`
  return new MillraceError(
    "LIMIT",
    `${op.label}: a value of ${size} bytes cannot be saved; ${limit}`,
  )
}
