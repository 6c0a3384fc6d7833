/**
 * The states of one savepoint or checkpoint, loaded to be counted and shown.
 */
import type { Engine } from "../engine/engine.ts"
import { SavedRows } from "../engine/saved_rows.ts"
import type { SavedState } from "../saved.ts"
import { keyBytes } from "../state/key_bytes.ts"
import type { KeyValue } from "../state/key_bytes.ts"
import { pathOf } from "../states.ts"
import { shapeOf } from "./shape.ts"
import type { Shape } from "./shape.ts"

/** What is told of a state. */
export interface StateReport {
  readonly path: string
  /** What kind of operator or state it is of. */
  readonly kind: string
  /** What its rows hold, in the words of the schema. */
  readonly holds: readonly string[]
  readonly ttl: boolean
  /** `state.version`. */
  readonly version: number
  readonly rows: number
  readonly timers: number
  /** Of its segments. */
  readonly bytes: number
  readonly segments: number
}

/** A row as it is shown. */
export interface ShownRow {
  readonly key: KeyValue
  readonly entry?: KeyValue
  readonly value?: unknown
  /** When its timer is due, ms. */
  readonly timer?: number
}

/** Which rows of which state are to be shown. */
export interface RowsWanted {
  readonly path: string
  readonly key: KeyValue | undefined
  readonly limit: number
}

/** The rows that were asked for. */
export interface ShownRows {
  readonly path: string
  readonly rows: readonly ShownRow[]
  /** How many there are; more than `rows`, if the limit is less. */
  readonly count: number
}

interface Size {
  bytes: number
  segments: number
}

interface Loaded {
  readonly shape: Shape
  readonly rows: SavedRows
}

export class SavedStates {
  readonly #engine: Engine
  readonly #saved: readonly SavedState[]
  readonly #loaded: (Loaded | undefined)[] = []
  readonly #sizes: readonly Size[]

  constructor(engine: Engine, saved: readonly SavedState[]) {
    this.#engine = engine
    this.#saved = saved
    this.#sizes = saved.map(() => ({ bytes: 0, segments: 0 }))
  }

  /** Add a segment of the state in this place. Throws `CORRUPT`, `MEMORY`. */
  load(place: number, segment: Uint8Array, number: number): void {
    const size = this.#sizes[place] as Size
    size.bytes += segment.length
    size.segments += 1
    this.#open(place, segment).rows.load(segment, number)
  }

  report(): StateReport[] {
    return this.#saved.map(({ uid, state, schema: { kind, fields, ttl, version = 1 } }, place) => {
      const { rows } = this.#loaded[place] ?? {}
      return {
        ...{ path: pathOf(uid, state), kind, holds: fields, ttl, version },
        ...{ rows: rows?.count ?? 0, timers: rows?.timers.size ?? 0 },
        ...(this.#sizes[place] as Size),
      }
    })
  }

  /** Undefined: there is no such state. */
  rows({ path, key, limit }: RowsWanted): ShownRows | undefined {
    const place = this.#saved.findIndex(({ uid, state }) => pathOf(uid, state) === path)
    if (place < 0) return undefined
    const shown: ShownRow[] = []
    const loaded = this.#loaded[place]
    if (loaded === undefined) return { path, rows: shown, count: 0 }
    const read = loaded.shape.reader(loaded.rows)
    const wanted = key === undefined ? undefined : textOf(key)
    let count = 0
    for (const { row, key, entry, timerMs } of loaded.rows.all()) {
      if (wanted !== undefined && textOf(key) !== wanted) continue
      if (count++ >= limit) continue
      const value = read(row)
      shown.push({
        key,
        ...(entry !== undefined && { entry }),
        ...(value !== undefined && { value }),
        ...(timerMs !== undefined && { timer: timerMs }),
      })
    }
    return { path, rows: shown, count }
  }

  #open(place: number, segment: Uint8Array): Loaded {
    const there = this.#loaded[place]
    if (there !== undefined) return there
    const { uid, state, schema } = this.#saved[place] as SavedState
    const shape = shapeOf(schema, segment)
    const rows = new SavedRows(this.#engine, pathOf(uid, state), shape.spec)
    return (this.#loaded[place] = { shape, rows })
  }
}

const textOf = (key: KeyValue) => keyBytes(key).join()
