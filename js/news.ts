/**
 * One loop's bell: others ring it when something has changed, and the loop waits for that.
 */
import { macrotask } from "./time/macrotask.ts"

export class News {
  #wake: (() => void) | undefined
  #rung = false

  /** Has it been rung since the last {@link clear}? */
  get rung(): boolean {
    return this.#rung
  }

  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  /** Whatever rang before this is about to be looked at. */
  clear(): void {
    this.#rung = false
  }

  /** Wait until it is rung, but no longer than a turn of the event loop; was it? */
  async soon(): Promise<boolean> {
    if (this.#rung) return true
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      macrotask(resolve)
    })
    this.#wake = undefined
    return this.#rung
  }

  /** Wait until it is rung, or for the least of so many ms; returns at once if it has been. */
  async wait(...delaysMs: readonly (number | undefined)[]): Promise<void> {
    if (this.#rung) return
    const ms = Math.min(...delaysMs.map((each) => each ?? Infinity))
    let timer: ReturnType<typeof setTimeout> | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (ms < Infinity) timer = setTimeout(resolve, ms)
    })
    clearTimeout(timer)
    this.#wake = undefined
  }
}
