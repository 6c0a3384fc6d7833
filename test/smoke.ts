/** Events for the program in fixtures/smoke.js, and the rows that must come out of it. */

interface Order {
  readonly user: string
  readonly item: string
  readonly price: number
}

/** Orders of fifty users, in no order. Prices are quarters, so that sums are exact. */
export const orders: readonly Order[] = Array.from({ length: 3000 }, (_, n) => {
  const mixed = Math.imul(n + 1, 2_654_435_761) >>> 8
  return { user: `user ${mixed % 50}`, item: `item ${n}`, price: (mixed % 400) / 4 }
})

/** What plain JavaScript makes of them. */
export const expected: readonly object[] = rowsOf(orders)

function rowsOf(orders: readonly Order[]): object[] {
  const users = new Map<string, readonly Order[]>()
  return orders.map((order) => {
    const bought = [...(users.get(order.user) ?? []), order]
    users.set(order.user, bought)
    return {
      key: order.user,
      orders: bought.length,
      spent: bought.reduce((sum, { price }) => sum + price, 0),
      dearest: Math.max(...bought.map(({ price }) => price)),
      user: order.user,
      last: bought.slice(-3).map(({ item }) => item),
    }
  })
}
