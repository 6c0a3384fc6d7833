/**
 * Many lists, one after another, as one.
 *
 * An array that grows by its elements is copied many times. Here lists are put together a thousand
 * at once, and what comes of a thousand such once more, so each element moves a few times at most.
 */
const listsMax = 1024

export class Gathered {
  /** Lists of the first level as they were added; of each further one, made of `listsMax`. */
  readonly #levels: (readonly unknown[])[][] = []

  add(list: readonly unknown[], level = 0): void {
    const lists = (this.#levels[level] ??= [])
    lists.push(list)
    if (lists.length < listsMax) return
    this.#levels[level] = []
    this.add(joined(lists), level + 1)
  }

  /** All elements, in an array of its own. */
  all(): unknown[] {
    return joined([...this.#levels].reverse().flat())
  }
}

function joined(lists: readonly (readonly unknown[])[]): unknown[] {
  return ([] as unknown[]).concat(...lists)
}
