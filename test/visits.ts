/** Events of four users, in no order that a counter would hit. */

export interface Visit {
  readonly user: string
  readonly n: number
}

const users = ["ada", "bob", "cyd", "dan"]

export const visits: readonly Visit[] = Array.from({ length: 24 }, (_, n) => {
  return { user: users[(n * n + (n % 3)) % 4] as string, n }
})
