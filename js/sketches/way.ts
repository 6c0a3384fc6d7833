/**
 * How one kind of aggregate works on what it keeps, which is plain data, so that it can be saved.
 *
 *     check(value)   may refuse it        add, merge, result   cannot fail
 */

/** An aggregate at work. */
export interface Way<Kept = unknown> {
  fresh(): Kept
  /**
   * Throws if a value, which is not null, cannot be used; gives what {@link add} is given of it,
   * undefined for nothing.
   */
  check(value: unknown, field: string): unknown
  /** The event of the value has a number, which no other has, and a time in ms. */
  add(kept: Kept, checked: unknown, event: unknown, order: number, timeMs: number): void
  /** All events of `other` are others; it stays as it is, and shares nothing with `kept`. */
  merge(kept: Kept, other: Kept): void
  result(kept: Kept): unknown
}
