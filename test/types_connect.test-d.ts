/** Types of connected streams and of lookups: what they infer, what must not compile; by `tsc`. */
import { from, mapState, of, outputTag, run, valueState } from "../js/index.ts"
import type {
  BroadcastContext,
  CacheStats,
  Context,
  KeyValue,
  MapState,
  Stream,
  ValueState,
} from "../js/index.ts"
import { exactly } from "./exactly.ts"

interface Click {
  user: string
  at: number
}
interface Order {
  buyer: string
  price: number
}
declare const clicks: Click[]
declare const orders: Order[]
const odd = outputTag("odd", of<Order>())
const byUser = from(clicks).keyBy("user")
const byBuyer = from(orders).keyBy("buyer")

export const both = byUser.connect(byBuyer).process({
  state: { count: valueState({ default: 0 }), last: mapState(of<string>(), of<Click>()) },
  outputs: [odd],
  emits: of<{ user: string; spent: number }>(),
  processLeft(click, { count, last }, ctx) {
    exactly<Click>()(click, true)
    exactly<ValueState<number, number>>()(count, true)
    exactly<MapState<string, Click>>()(last, true)
    exactly<Context<string>>()(ctx, true)
  },
  processRight(order, state, ctx, out) {
    exactly<Order>()(order, true)
    out.collect({ user: ctx.key, spent: order.price })
    ctx.output(odd, order)
    // @ts-expect-error a state that there is not
    void state.countr
    // @ts-expect-error a result of another type
    out.collect(order)
  },
  onTimer(time, { count }, ctx, out) {
    exactly<number>()(time, true)
    out.collect({ user: ctx.key, spent: count.value() })
  },
})
exactly<Stream<{ user: string; spent: number }>>()(both, true)

export const plain = from(clicks)
  .connect(from(orders))
  .process({
    processLeft: (click, _, ctx) => {
      exactly<Click>()(click, true)
      exactly<null>()(ctx.key, true)
    },
    processRight: (order) => exactly<Order>()(order, true),
  })
exactly<Stream<never>>()(plain, true)

export const ruled = byUser
  .connect(from(orders).broadcast({ prices: mapState(of<string>(), of<number>()) }))
  .process({
    state: { count: valueState({ default: 0 }) },
    emits: of<string>(),
    process(click, { count, prices }, ctx, out) {
      exactly<Click>()(click, true)
      exactly<ValueState<number, number>>()(count, true)
      exactly<number | undefined>()(prices.get(ctx.key), true)
      for (const [buyer, price] of prices.entries()) out.collect(`${buyer} ${price}`)
      // @ts-expect-error it is read only here
      void prices.put
    },
    processBroadcast(order, { prices }, ctx) {
      exactly<Order>()(order, true)
      exactly<MapState<string, number>>()(prices, true)
      exactly<BroadcastContext>()(ctx, true)
      // @ts-expect-error an event that is broadcast has no key
      void ctx.key
    },
    onTimer(_, { count, prices }, ctx) {
      exactly<Context<string>>()(ctx, true)
      count.update(1)
      // @ts-expect-error it is read only here
      void prices.clear
    },
  })
exactly<Stream<string>>()(ruled, true)

export const ruledPlain = from(clicks)
  .connect(from(orders).broadcast({ last: valueState(of<Order>()) }))
  .process({
    process: (_, { last }, ctx) => {
      exactly<Order | undefined>()(last.value(), true)
      exactly<null>()(ctx.key, true)
    },
    processBroadcast: (order, { last }) => last.update(order),
  })

export function wrongBroadcasts(): void {
  // @ts-expect-error no state
  from(orders).broadcast()
  const connected = byUser.connect(from(orders).broadcast({ last: valueState(of<Order>()) }))
  // @ts-expect-error a function is missing
  connected.process({ process: () => undefined })
  connected.process({
    process: () => undefined,
    processBroadcast: () => undefined,
    // @ts-expect-error that is of connected streams without broadcast
    processLeft: () => undefined,
  })
}

export function wrongConnects(): void {
  // @ts-expect-error keys of another type
  byUser.connect(from([{ id: 1 }]).keyBy("id"))
  // @ts-expect-error no keys
  byUser.connect(from(orders))
  // @ts-expect-error keys on one side only
  from(orders).connect(byUser)
  // @ts-expect-error a function is missing
  byUser.connect(byBuyer).process({ processLeft: () => undefined })
  byUser.connect(byBuyer).process({
    processLeft: () => undefined,
    processRight: () => undefined,
    // @ts-expect-error an option that there is not
    process: () => undefined,
  })
}

// ---- lookups ----

export const found = from(clicks).lookup(
  "user",
  async (user, { signal }) => {
    exactly<string>()(user, true)
    exactly<AbortSignal>()(signal, true)
    return user === "ada" ? { plan: "free" } : undefined
  },
  (event, row) => {
    exactly<Click>()(event, true)
    exactly<{ plan: string } | undefined>()(row, true)
    return row?.plan
  },
  { cache: { ttl: "5m", maxSize: 10 }, concurrency: 4, ordered: false, timeout: "1s" },
)
exactly<Stream<string | undefined>>()(found, true)

export const foundByTwo = from(clicks)
  .keyBy("user")
  .lookup(
    ["user", "at"],
    ([user, at]) => user.length + at,
    (_, n) => {
      exactly<number>()(n, true)
      return n
    },
  )
exactly<Stream<number>>()(foundByTwo, true)

export const foundByFunction = from(clicks).lookup(
  ({ at }) => (at > 0 ? at : undefined),
  (at) => {
    exactly<number>()(at, true)
    return [at]
  },
  (_, times) => times,
)
exactly<Stream<number[]>>()(foundByFunction, true)

export function wrongLookups(): void {
  // @ts-expect-error a field that there is not
  from(clicks).lookup("usr", String, () => 1)
  // @ts-expect-error what is made of both is missing
  from(clicks).lookup("user", String)
  // @ts-expect-error no duration
  from(clicks).lookup("user", String, () => 1, { cache: { ttl: "5 minutes" } })
}

// ---- explain ----

export async function explained(): Promise<void> {
  const job = await run(both)
  const { key, operators } = job.explain(["ada", 1])
  exactly<KeyValue>()(key, true)
  for (const { watermark, sources, windows, timers, stats } of Object.values(operators)) {
    exactly<number | undefined>()(watermark, true)
    for (const { status } of sources) exactly<"live" | "idle" | "ended">()(status, true)
    for (const { start } of windows) exactly<number>()(start, true)
    for (const { domain } of timers) exactly<"event" | "processing">()(domain, true)
    exactly<CacheStats | undefined>()(stats.cache, true)
  }
  // @ts-expect-error no key
  job.explain({ user: "ada" })
}
