/**
 * What a checkpoint saves of a job: all of it at one moment, the cut, while the job goes on.
 *
 *   cut -> slice -> chunk -> slice -> chunk ... slice          the flow's part, between its chunks
 *            `-> segment -> storage -> segment -> storage      the writer's, beside it
 *
 * The cut itself takes no time, whatever the state holds: positions and watermarks are noted, and
 * each state notes what has changed by then. The rest is done in slices, each of a bounded number
 * of rows. When the flow stands still in any case, the writer makes the slices as it needs them.
 *
 * Few segments wait for storage: while it is slow, slices wait, and no more is held than what
 * changes of the rows that are still to come.
 */
import { cutState, extendChain } from "./chain.ts"
import type { Segment } from "./engine/scan.ts"
import type { StateCut } from "./engine/state_cut.ts"
import type { Flow } from "./flow.ts"
import type { SavedOperator, SavedSegment } from "./manifest.ts"
import { savedFlow } from "./saved.ts"
import type { SavedFlow } from "./saved.ts"
import { statesIn } from "./states.ts"
import type { HomedState } from "./states.ts"

/** The most rows of a slice. */
export const sliceRowsMax = 1024

/** With so many segments that wait for storage, slices wait. */
const waitingMax = 4

/** The chains of states, by their paths. */
export type Chains = ReadonlyMap<string, readonly SavedSegment[]>

interface Part {
  readonly homed: HomedState
  readonly chain: readonly SavedSegment[]
  readonly rows: number
  /** Undefined: nothing has changed. */
  readonly cut: StateCut | undefined
}

/** A segment for storage, and the state that it is of. */
export interface Piece {
  readonly homed: HomedState
  readonly segment: Segment
}

export class Cut {
  readonly flow: SavedFlow
  readonly #parts: Part[] = []
  /** Those that are not done yet. */
  #open: Part[] = []
  #turn = 0
  #waiting: Piece[] = []
  /** The job's: there is something to do again. */
  readonly #news: () => void
  #wake: () => void = () => undefined
  #still = false
  #failed: { readonly error: unknown } | undefined

  /** Of a flow between two chunks, in which no function is waited for. Throws `MEMORY`. */
  constructor(flow: Flow, chains: Chains, finished: boolean, news: () => void) {
    this.flow = savedFlow(flow, finished)
    this.#news = news
    try {
      for (const homed of statesIn(flow)) {
        const chain = chains.get(homed.path) ?? []
        const { operator } = homed.state
        const { rows } = operator.stats()
        this.#parts.push({ homed, chain, rows, cut: cutState(operator, chain) })
      }
    } catch (error) {
      this.close(false)
      throw error
    }
    this.#open = this.#parts.filter(({ cut }) => cut !== undefined)
  }

  /** How many rows there are to be encoded, more or less. */
  get rows(): number {
    return this.#parts.reduce((sum, { cut }) => sum + (cut?.rows ?? 0), 0)
  }

  /** Is there a slice to be made, and room for what comes of it? */
  get ready(): boolean {
    return !this.#over && this.#waiting.length < waitingMax
  }

  /** Rows that the flow changes, kept as they were until they are encoded. */
  get kept(): number {
    return this.#open.reduce((sum, { cut }) => sum + (cut?.kept ?? 0), 0)
  }

  /** Encode up to so many rows, or what was kept; gives how many it were. */
  slice(rows: number): number {
    let count = 0
    try {
      for (let tries = this.#open.length; tries > 0 && count < rows; tries--) {
        const part = this.#open[this.#turn++ % this.#open.length] as Part
        count += this.#step(part, rows - count)
      }
    } catch (error) {
      this.#failed = { error }
    }
    if (this.#over || this.#waiting.length > 0) this.#wake()
    return count
  }

  /** Of one state; gives how many rows it were. */
  #step(part: Part, rows: number): number {
    const { homed, cut } = part
    const count = cut?.step(rows) ?? 0
    for (const segment of cut?.take() ?? []) this.#waiting.push({ homed, segment })
    if (cut?.done !== false) this.#open = this.#open.filter((each) => each !== part)
    return count
  }

  /** From now on the flow makes no slices: nothing goes on but this. */
  stand(): void {
    this.#still = true
    this.#wake()
  }

  /** The job has failed: there will be no more. */
  fail(error: unknown): void {
    this.#failed ??= { error }
    this.#wake()
  }

  /** The next segment, as soon as there is one; undefined: these were all. Throws what failed. */
  async next(): Promise<Piece | undefined> {
    for (;;) {
      if (this.#failed !== undefined) throw this.#failed.error
      const piece = this.#waiting.shift()
      if (piece !== undefined) {
        if (this.#waiting.length === waitingMax - 1) this.#news()
        return piece
      }
      if (this.#over) return undefined
      if (this.#still) this.slice(sliceRowsMax)
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** All states, each with its chain once its segments are durable. */
  operators(added: ReadonlyMap<HomedState, readonly SavedSegment[]>): SavedOperator[] {
    return this.#parts.map(({ homed, chain, rows, cut }) => {
      const { planned, state } = homed
      const segments = extendChain(chain, added.get(homed) ?? [], cut?.oldest ?? 0)
      return { uid: planned.uid, state: state.name, schema: state.schema, rows, segments }
    })
  }

  /** It is durable, or given up: what it would have saved is then saved by the next one. */
  close(durable: boolean): void {
    for (const { homed, cut } of this.#parts) {
      cut?.close()
      homed.state.operator.endChanges(durable)
    }
  }

  get #over(): boolean {
    return this.#failed !== undefined || this.#open.length === 0
  }
}
