/**
 * The state that the function of a window has: it belongs to the key and outlives windows.
 *
 * Windows emit one at a time and at any time, so the row of a key is looked up when the function
 * first uses the state; all that emit because of one event are one call, which counts as a whole or
 * not at all.
 */
import type { Site } from "../../graph.ts"
import { closed, UserState } from "../../state/access.ts"
import type { Access } from "../../state/access.ts"
import type { StateSetting } from "../../state/config.ts"
import type { NamedState } from "../../states.ts"
import type { Tracing } from "../../state/trace.ts"
import type { Evictions } from "../evictions.ts"
import { schemaOf } from "../keyed.ts"
import { UserRows } from "../user_rows.ts"
import type { Fire } from "./plan.ts"

export class WindowState {
  readonly named: NamedState
  readonly evictions: Evictions
  readonly #state: UserRows
  #access!: Access
  #user!: UserState
  readonly #eventTime: boolean
  /** The window whose function runs. */
  #fire: Fire | undefined

  constructor(site: Site, setting: StateSetting) {
    this.#state = new UserRows(site, setting)
    this.#eventTime = site.eventTime
    const { operator, evictions } = this.#state
    this.evictions = evictions
    const readRow = (row: number) => this.#state.readRow(row)
    this.named = { name: "state", schema: schemaOf("window", setting), operator, readRow }
    this.trace(undefined)
  }

  /** Call the function of a window with the state; gives its result as it may leave the call. */
  call(fire: Fire, fn: (state: UserState) => unknown): unknown {
    this.#fire = fire
    try {
      const result = fn(this.#user)
      return this.#access.open ? this.#access.plain(result) : result
    } finally {
      this.#fire = undefined
    }
  }

  /** Be at the row of the key. */
  #begin(): void {
    if (this.#fire === undefined) throw closed()
    const { keyBytes, now, watermark, time } = this.#fire
    const event = this.#eventTime ? { timeMs: time, watermark } : undefined
    this.#state.rows.findKey(keyBytes(), now, event)
    this.#access.begin(0)
  }

  /** What was done counts; `position` is the event of the job that it is told of with. */
  commit(position: number): void {
    if (!this.#access.open) return
    this.#access.commit()
    this.evictions.takeFor(position)
  }

  abandon(): void {
    if (this.#access.open) this.#access.abandon()
  }

  trace(tracing: Tracing | undefined): void {
    this.#access = this.#state.access(tracing)
    this.#user = new UserState(this.#access, () => this.#begin())
  }
}
