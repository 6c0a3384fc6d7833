/**
 * What a checkpoint saves of one state: its rows as they are at one moment, the cut, encoded page
 * by page while events go on.
 *
 *   cut -> step -> events -> step -> events -> step -> done        segments come out of steps
 *
 * C keeps what changes before its turn (c/dirty.h), but a live value is one object for the row and
 * for what is kept of it. So whoever gets rows from C, or values of them, calls {@link keep} before
 * anything is done with them: then what was kept is encoded.
 */
import type { Operator } from "./operator.ts"
import { gatherRefs, nextPage, openScan, Segments } from "./scan.ts"
import type { Encode, Segment } from "./scan.ts"

/** Rows of a page that is encoded because a value is about to be handed out. */
const keptRowsMax = 1024

export class StateCut {
  readonly #op: Operator
  readonly #encode: Encode
  readonly #scan: number
  readonly #out: Segments
  /** How many there are at least: rows that changed or went, and others that are rewritten. */
  readonly rows: number
  /** Segments that got full outside a step. */
  #full: Segment[] = []
  /** A value that was kept could not be encoded. */
  #failed: { readonly error: unknown } | undefined
  /** Once all is encoded: segments with lower numbers are of no use. */
  #oldest: number | undefined

  /**
   * The cut: what changed since the last checkpoint will be saved, and `rewrite` of the rows that
   * did not. `encode` gives the bytes of a live value. Throws `MEMORY`.
   */
  constructor(op: Operator, rewrite: number, encode: Encode) {
    const { wasm, scratch } = op.engine
    this.#op = op
    this.#encode = encode
    const { next, rows, removed } = op.changes()
    this.#out = new Segments(op, next)
    this.rows = rows + removed + rewrite
    try {
      this.#scan = openScan(op, () => wasm.mr_changes_scan(op.handle, rewrite, scratch))
    } catch (error) {
      this.#out.close()
      throw error
    }
    if (op.spec.fields?.includes("ref") === true) op.cut = this
  }

  get done(): boolean {
    return this.#oldest !== undefined
  }

  /** Of the segments so far, those with lower numbers are of no use. Before it is done: none. */
  get oldest(): number {
    return this.#oldest ?? 0
  }

  /** Rows that were kept as they are, and wait. */
  get kept(): number {
    return this.done ? 0 : this.#op.changes().kept
  }

  /** Encode `rows` rows, fewer of large ones, but all that were kept; gives how many it were. */
  step(rows: number): number {
    if (this.#failed !== undefined) throw this.#failed.error
    if (this.done) return 0
    const asked = Math.max(this.kept, rows)
    const count = this.#page(asked)
    if (count < asked) this.#page(1) // Were these all?
    return count
  }

  /** The segments that got full since the last time, and the last one when it is done. */
  take(): Segment[] {
    return this.#full.splice(0)
  }

  /** Rows are in somebody's hands: encode what C has kept. What fails fails the checkpoint. */
  keep(): void {
    try {
      while (this.#op.changes().kept > 0) this.#page(keptRowsMax)
    } catch (error) {
      this.#failed = { error }
      this.#op.cut = undefined
    }
  }

  /** Let go of what it has in memory; C is told how it ended by `endChanges`. */
  close(): void {
    this.#op.cut = undefined
    this.#op.engine.wasm.mr_scan_close(this.#scan)
    this.#out.close()
  }

  #page(rows: number): number {
    if (this.done) return 0
    const page = nextPage(this.#op, this.#scan, rows)
    if (page !== undefined) {
      const refs = gatherRefs(this.#op, page.rows, page.count, this.#encode)
      this.#full.push(...this.#out.savePage(page.scan, page.count, refs))
      return page.count
    }
    if (this.#out.size > 0) this.#full.push(this.#out.take())
    this.#oldest = this.#op.changes().oldest
    this.#op.cut = undefined
    return 0
  }
}
