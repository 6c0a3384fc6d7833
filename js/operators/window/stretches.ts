/**
 * Where windows of time are cut into slices, so that each window is whole slices: at every start
 * and every end of one. As c/op/window_slices.c does, which says when the windows fire.
 */

/** Windows of one size that begin at the multiples of a slide from an offset. */
export class Stretches {
  readonly #size: number
  readonly #slide: number
  readonly #offset: number
  /** So far behind a start windows end. */
  readonly #cut: number
  /** From one block to the next: whole slides, no more than a window. */
  readonly #block: number

  constructor(sizeMs: number, slideMs: number, offsetMs: number) {
    this.#size = sizeMs
    this.#slide = slideMs
    this.#offset = offsetMs
    this.#cut = sizeMs % slideMs
    this.#block = sizeMs - this.#cut
  }

  #multiple(timeMs: number, step: number): number {
    return Math.floor((timeMs - this.#offset) / step) * step + this.#offset
  }

  /** The start of the slice that a time is in. */
  sliceOf(timeMs: number): number {
    const start = this.#multiple(timeMs, this.#slide)
    return timeMs >= start + this.#cut ? start + this.#cut : start
  }

  /** The end of the first window that ends after a time. */
  endAfter(timeMs: number): number {
    const end = this.#multiple(timeMs, this.#slide) + this.#cut
    return end > timeMs ? end : end + this.#slide
  }

  /** The end of the last window that has a slice. */
  lastEndOf(slice: number): number {
    return this.#multiple(slice, this.#slide) + this.#size
  }

  /** The first start of a block behind the start of a window; it is no further than its end. */
  blockAfter(start: number): number {
    return this.#multiple(start, this.#block) + this.#block
  }
}
