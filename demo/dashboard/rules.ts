/**
 * The rule that alerts follow, and when it was changed: at which flight, so that a run that goes on
 * from a checkpoint changes it there again.
 *
 *     flights    0 ... 12,287 | 12,288 ... 40,959 | 40,960 ...
 *     log                     `- 120 minutes      `- 240 minutes
 *
 * A change is in the log before it is in the stream. One that is made behind others, after a kill,
 * makes another future: those are gone.
 */
import type { StateStorage } from "millrace"

/** How late a flight must be to count for an alert, minutes, from a flight on. */
export interface RuleChange {
  /** How many flights had arrived. */
  readonly at: number
  readonly minutes: number
}

/** The rule until it is changed. */
export const firstMinutes = 180

export class Rules {
  #log: readonly RuleChange[]
  readonly #save: (log: readonly RuleChange[]) => Promise<void>
  #wanted: number | undefined

  /** `log` is what was saved; `save` keeps another one in its stead. */
  constructor(log: readonly RuleChange[], save: (log: readonly RuleChange[]) => Promise<void>) {
    this.#log = log
    this.#save = save
  }

  /** The rules of a storage, which keeps their log beside the job's own keys. */
  static async in(storage: StateStorage, key = "rules/log"): Promise<Rules> {
    const saved = await storage.get(key)
    const log = saved && (JSON.parse(new TextDecoder().decode(saved)) as RuleChange[])
    return new Rules(log ?? [], (log) =>
      storage.set(key, new TextEncoder().encode(JSON.stringify(log))),
    )
  }

  get log(): readonly RuleChange[] {
    return this.#log
  }

  /** What was asked for last and is not in the stream yet. */
  get wanted(): number | undefined {
    return this.#wanted
  }

  /** Change the rule at the next flight. */
  change(minutes: number): void {
    this.#wanted = minutes
  }

  /** Put what is wanted into the log, for flight `at`, behind which `passed` changes lie. */
  async settle(at: number, passed: number): Promise<void> {
    const minutes = this.#wanted
    if (minutes === undefined) return
    const log = [...this.#log.slice(0, passed), { at, minutes }]
    await this.#save(log)
    this.#log = log
    if (this.#wanted === minutes) this.#wanted = undefined
  }
}
