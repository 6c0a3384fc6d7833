/**
 * Boolean terms over the conditions of a pattern, in disjunctive normal form: a list of terms of
 * which one has to hold; each wants some conditions to hold, and others not to.
 */

/** Conditions as bits of a u32. */
export interface Term {
  readonly wanted: number
  readonly unwanted: number
}

/** One of the terms holds. */
export type Logic = readonly Term[]

/** It always holds. */
export const always: Logic = [{ wanted: 0, unwanted: 0 }]

/** It never does. */
export const never: Logic = []

/** Condition number `bit` holds. */
export function holds(bit: number): Logic {
  return [{ wanted: (1 << bit) >>> 0, unwanted: 0 }]
}

/** Both hold. */
export function both(a: Logic, b: Logic): Logic {
  const terms = a.flatMap((left) =>
    b.map((right) => ({
      wanted: (left.wanted | right.wanted) >>> 0,
      unwanted: (left.unwanted | right.unwanted) >>> 0,
    })),
  )
  return shortest(terms.filter(({ wanted, unwanted }) => (wanted & unwanted) === 0))
}

/** One of them holds. */
export function either(a: Logic, b: Logic): Logic {
  return shortest([...a, ...b])
}

/** It does not hold. */
export function negated(logic: Logic): Logic {
  let result: Logic = always
  for (const { wanted, unwanted } of logic) {
    const terms: Term[] = []
    for (let bit = 0; bit < 32; bit++) {
      const mask = (1 << bit) >>> 0
      if ((wanted & mask) !== 0) terms.push({ wanted: 0, unwanted: mask })
      if ((unwanted & mask) !== 0) terms.push({ wanted: mask, unwanted: 0 })
    }
    result = both(result, terms)
  }
  return result
}

/** Without terms that say no more than others. */
function shortest(terms: readonly Term[]): Logic {
  const covers = (a: Term, b: Term) =>
    (a.wanted & ~b.wanted) === 0 && (a.unwanted & ~b.unwanted) === 0
  return terms.filter(
    (term, i) =>
      !terms.some((other, j) => j !== i && covers(other, term) && (!covers(term, other) || j < i)),
  )
}

/** What it is where some conditions are known; undefined: that depends on others. */
export function valueOf(logic: Logic, known: number, holding: number): boolean | undefined {
  let open = false
  for (const { wanted, unwanted } of logic) {
    if ((wanted & known & ~holding) !== 0 || (unwanted & known & holding) !== 0) continue
    if (((wanted | unwanted) & ~known) === 0) return true
    open = true
  }
  return open ? undefined : false
}
