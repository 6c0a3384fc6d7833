/**
 * Events of tests of time: who, and when.
 */
export interface Hit {
  readonly k: string
  readonly at: number
}

/** "a0 b3" is a hit of a at 0 and one of b at 3. */
export function hits(text: string): Hit[] {
  return text.split(" ").map((hit) => ({ k: hit.slice(0, 1), at: Number(hit.slice(1)) }))
}

/** A hit as {@link hits} reads it. */
export function shown({ k, at }: Hit): string {
  return `${k}${at}`
}
