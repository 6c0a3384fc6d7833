/**
 * The state that the function of a window has: it belongs to the key and outlives windows.
 *
 * Windows emit one at a time and at any time, so the row of a key is looked up when one does; all
 * that emit because of one event are one call, which counts as a whole or not at all.
 */
import type { Site } from "../../graph.ts"
import { UserState } from "../../state/access.ts"
import type { Access } from "../../state/access.ts"
import type { StateSetting } from "../../state/config.ts"
import type { NamedState } from "../../states.ts"
import type { Tracing } from "../../state/trace.ts"
import type { Evictions } from "../evictions.ts"
import { schemaOf } from "../keyed.ts"
import { UserRows } from "../user_rows.ts"

export class WindowState {
  readonly named: NamedState
  readonly evictions: Evictions
  readonly #state: UserRows
  #access!: Access
  #user!: UserState

  constructor(site: Site, setting: StateSetting) {
    this.#state = new UserRows(site, setting)
    const { operator, evictions } = this.#state
    this.evictions = evictions
    const readRow = (row: number) => this.#state.readRow(row)
    this.named = { name: "state", schema: schemaOf("window", setting), operator, readRow }
    this.trace(undefined)
  }

  /** What the function gets. */
  get user(): UserState {
    return this.#user
  }

  get access(): Access {
    return this.#access
  }

  /** Be at the row of a key; `timeMs` is the event's or the window's, in the stream's time. */
  begin(key: Uint8Array, now: number, timeMs: number | undefined, watermark: number): void {
    const event = timeMs === undefined ? undefined : { timeMs, watermark }
    this.#state.rows.findKey(key, now, event)
    this.#access.begin(0)
  }

  /** What was done counts; `position` is the event of the job that it is told of with. */
  commit(position: number): void {
    this.#access.commit()
    this.evictions.takeFor(position)
  }

  trace(tracing: Tracing | undefined): void {
    this.#access = this.#state.access(tracing)
    this.#user = new UserState(this.#access)
  }
}
