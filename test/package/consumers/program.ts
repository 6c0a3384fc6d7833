/**
 * The program of every consumer: keyed state, a window, a checkpoint in the middle, and a second
 * job that goes on from it. Those who have no TypeScript get it without the types.
 */
import { ascending, count, from, max, memoryStorage, run, sum, tumbling } from "millrace"
import type { StateStorage } from "millrace"

/** Orders of seven users, one a minute. */
export const orders = Array.from({ length: 1000 }, (_, n) => ({
  user: `user ${n % 7}`,
  price: (n % 13) / 4,
  at: n * 60_000,
}))

/** Numbers the orders of each user, and adds up what they came to, hour by hour. */
const hours = from(orders, { time: "at", watermark: ascending() })
  .keyBy("user")
  .map((order, state) => ({ ...order, nth: state.update((n) => n + 1) }), {
    uid: "numbers",
    state: { value: () => 0 },
  })
  .keyBy("user")
  .window(tumbling("1h"))
  .aggregate({ orders: count(), spent: sum("price"), nth: max("nth") }, { uid: "hours" })

export async function program(storage: StateStorage = memoryStorage()) {
  const rows = new Map<string, object>()
  const first = await run(hours, { storage, chunkSize: 100 })
  for await (const row of first) {
    rows.set(`${row.key} ${row.start}`, row)
    if (rows.size === 50) void first.checkpoint().then(() => first.close())
  }
  const second = await run(hours, { storage })
  const { position } = second.stats().restored ?? {}
  for await (const row of second) rows.set(`${row.key} ${row.start}`, row)
  await second.close()
  return { position, rows: [...rows.values()] }
}
