/**
 * State from outside: read-only looks at the rows of one operator, between chunks.
 */
import { keyOfRow } from "../engine/keys.ts"
import { scanPages } from "../engine/scan.ts"
import { Rows } from "../engine/rows.ts"
import type { Operator } from "../engine/operator.ts"
import { MillraceError } from "../errors.ts"
import type { Flow } from "../flow.ts"
import { statesIn, timeOf } from "../states.ts"
import type { HomedState } from "../states.ts"
import type { Clock } from "../time/clock.ts"
import { keyBytes } from "./key_bytes.ts"
import type { KeyValue } from "./key_bytes.ts"

/** What `job.state(uid)` gives. Values are copies. */
export class StateView {
  readonly #homed: HomedState
  readonly #operator: Operator
  readonly #flow: Flow
  readonly #clock: Clock

  /** Throws `OPTION` for a path that is no state's, which are uids, or `uid/name`. */
  static of(path: string, flow: Flow, clock: Clock): StateView {
    const shown = statesIn(flow).filter(({ state }) => state.readRow !== undefined)
    const homed = shown.find((each) => each.path === path)
    if (homed !== undefined) return new StateView(homed, flow, clock)
    const names = shown.map((each) => each.path).join(", ") || "none"
    throw new MillraceError("OPTION", `no operator ${path} has state; there are ${names}`)
  }

  constructor(homed: HomedState, flow: Flow, clock: Clock) {
    this.#homed = homed
    this.#operator = homed.state.operator
    this.#flow = flow
    this.#clock = clock
  }

  /**
   * How many keys have state; expired ones that are not yet freed are counted.
   *
   * @throws {MillraceError} `CLOSED` once the job is closed; `UNSUPPORTED` while a function runs.
   */
  get size(): number {
    this.#check()
    return this.#operator.stats().rows
  }

  /**
   * The state of a key: a value, a record, an aggregate's result, true; undefined if none.
   *
   * @throws {MillraceError} `CLOSED` once the job is closed; `UNSUPPORTED` while a function of the
   *   job runs; `KEY_TYPE` for what cannot be a key.
   */
  get(key: KeyValue): unknown {
    this.#check()
    const now = this.#now()
    const rows = new Rows(this.#operator)
    rows.findKey(keyBytes(key), now)
    const row = rows.look(0, now)
    return row === 0 ? undefined : this.#homed.state.readRow?.(row)
  }

  /**
   * All keys and their state, in the order in which the keys were first seen.
   *
   * @throws {MillraceError} `CLOSED` when the job goes on in the middle of it; take all at once
   *   (`[...view.scan()]`) if you await in between. `UNSUPPORTED` while a function of the job runs.
   */
  *scan(): Generator<readonly [key: KeyValue, value: unknown], undefined> {
    this.#check()
    const { engine } = this.#operator
    for (const { rows, count } of scanPages(this.#operator, this.#now())) {
      for (let i = 0; i < count; i++) {
        this.#check()
        const row = engine.views.u32[rows + i] as number
        yield [keyOfRow(this.#operator, row), this.#homed.state.readRow?.(row)]
      }
    }
  }

  /**
   * All keys and their state as rows of a table: `{ key, value }`, or `{ key, ...record }`.
   *
   * @throws {MillraceError} as {@link scan}.
   */
  entries(): Record<string, unknown>[] {
    return Array.from(this.scan(), ([key, value]) => {
      const isRecord = typeof value === "object" && value !== null && !Array.isArray(value)
      return isRecord ? { key, ...value } : { key, value }
    })
  }

  #now(): number {
    return timeOf(this.#homed, this.#flow, this.#clock)
  }

  #check(): void {
    if (this.#operator.engine.handle === 0) throw new MillraceError("CLOSED", "the job is closed")
    refuseBusy(this.#flow, "job.state")
  }
}

/** State is looked at between chunks. Throws `UNSUPPORTED`. */
export function refuseBusy(flow: Flow, what: string): void {
  if (!flow.busy) return
  const message = `${what} cannot be read while a function of the job runs or is waited for`
  throw new MillraceError("UNSUPPORTED", message)
}
