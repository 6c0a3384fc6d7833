/**
 * What the model of windows draws: kinds of windows, and what can be asked of them.
 */
import type { WindowRange } from "../js/index.ts"

/** An event of these tests. */
export interface Hit {
  readonly i: number
  readonly key: string
  readonly at: number
  readonly n: number
}

/** What a window gives. */
export interface Row {
  readonly key: string
  readonly window: WindowRange
  readonly revision: number
  readonly events: readonly number[]
}

export type Kind =
  | {
      readonly kind: "sliding"
      readonly size: number
      readonly slide: number
      readonly offset: number
    }
  | { readonly kind: "custom" }
  | { readonly kind: "sessions"; readonly gap: number | "own"; readonly exclusive: boolean }
  | {
      readonly kind: "count"
      readonly size: number
      readonly slide: number
      readonly partial: boolean
    }
  | { readonly kind: "slidingCount"; readonly size: number; readonly slide: number }
  | { readonly kind: "slidingEach"; readonly size: number }
  | { readonly kind: "global" }

export interface Setting {
  readonly kind: Kind
  readonly lateness: number
  readonly emit: "final" | "updates" | undefined
  readonly trigger: "count" | "every" | "delta" | "purgingCount" | undefined
  readonly evictor: "last" | "within" | undefined
  readonly discard: boolean
}

/** The numbers in triggers and evictors. */
export const numbers = { count: 3, every: 4, delta: 5, last: 2, within: 6 } as const

/** The windows of {@link Kind} "custom". */
export const twice = (_: unknown, time: number): WindowRange[] =>
  [5, 7].map((size) => {
    const start = Math.floor(time / size) * size
    return { start, end: start + size }
  })

export const gapOf = ({ n }: Hit): number => (n % 5) + 1
