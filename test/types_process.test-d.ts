/** Types of process functions: what they infer, and what must not compile; `tsc` is the test. */
import { aggregatingState, from, listState, mapState, of, outputTag } from "../js/index.ts"
import { record, reducingState, valueState } from "../js/index.ts"
import type { Context, ListState, MapState, Stream, ValueState } from "../js/index.ts"
import { exactly } from "./exactly.ts"

interface Click {
  user: string
  metric: string
  value: number
  at: number
}
declare const clicks: Click[]
const odd = outputTag("odd", of<Click>())

export const all = from(clicks)
  .keyBy("user")
  .process({
    state: {
      counter: valueState({ default: 0 }),
      total: valueState({ default: () => ({ n: 0 }) }),
      last: valueState(of<Click>(), { ttl: "1h" }),
      point: valueState({ default: record({ x: "f64", name: "string" }) }),
      history: listState(of<string>()),
      points: listState(record({ x: "f64" }), { maxSize: 10 }),
      metrics: mapState(of<string>(), of<number>()),
      top: reducingState((a: number, b: number) => Math.max(a, b)),
      mean: aggregatingState({
        create: () => ({ sum: 0, count: 0 }),
        add: ({ sum, count }, n: number) => ({ sum: sum + n, count: count + 1 }),
        result: ({ sum, count }) => `${sum / count}`,
      }),
    },
    outputs: [odd],
    emits: of<{ key: string; count: number }>(),
    process(click, s, ctx, out) {
      exactly<Click>()(click, true)
      exactly<Context<string>>()(ctx, true)
      exactly<number>()(s.counter.value(), true)
      exactly<{ n: number }>()(s.total.value(), true)
      exactly<Click | undefined>()(s.last.value(), true)
      exactly<{ x: number; name: string }>()(s.point.value(), true)
      exactly<ListState<string>>()(s.history, true)
      exactly<ListState<{ x: number }>>()(s.points, true)
      exactly<MapState<string, number>>()(s.metrics, true)
      exactly<number | undefined>()(s.top.get(), true)
      exactly<string>()(s.mean.get(), true)
      s.metrics.put(click.metric, (s.metrics.get(click.metric) ?? 0) + click.value)
      ctx.timers.processingTime(ctx.now + 60_000, "t")
      ctx.output(odd, click)
      out.collect({ key: ctx.key, count: s.counter.value() })
      // @ts-expect-error a value of another type
      s.counter.update("1")
      // @ts-expect-error an element of another type
      s.history.add(1)
      // @ts-expect-error a state that there is not
      void s.countr
      // @ts-expect-error a value that the tag is not of
      ctx.output(odd, 1)
      // @ts-expect-error a result of another type
      out.collect(1)
    },
    onTimer(time, { counter }, ctx, out) {
      exactly<number>()(time, true)
      exactly<ValueState<number, number>>()(counter, true)
      out.collect({ key: ctx.key, count: counter.value() })
    },
  })

exactly<Stream<{ key: string; count: number }>>()(all, true)

export const tuple = from(clicks)
  .keyBy((click) => [click.user, click.value])
  .process({
    process: (_, __, ctx) => exactly<readonly [string, number]>()(ctx.key, true),
  })
exactly<Stream<never>>()(tuple, true)

export const nothing = from(clicks)
  .keyBy("user")
  .process({
    // @ts-expect-error nothing is emitted without `emits`
    process: (_, __, ___, out) => out.collect(1),
  })

export const misspelt = from(clicks)
  .keyBy("user")
  .process({
    process: () => undefined,
    // @ts-expect-error an option that there is not
    ontimer: () => undefined,
  })

// @ts-expect-error a default stands among the options, which are one argument
valueState({ default: 0 }, { ttl: "1h" })
