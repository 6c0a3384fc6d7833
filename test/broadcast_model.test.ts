/**
 * Streams that are broadcast against plain code that takes one event at a time: rules that change
 * beside the state of keys and timers, watermarks of two sources, ends, crashes.
 */
import { describe, it } from "vitest"
import { mapState, of } from "../js/index.ts"
import type { KeyValue } from "../js/index.ts"
import { changeRules, onRuledTimerOf, processRuled, stateOf } from "./process_acts.ts"
import { Reference } from "./process_reference.ts"
import { guardRejections } from "./probe.ts"
import { someTime } from "./random.ts"
import { compareHalves, compareSources } from "./two_model.ts"
import type { TwoProgram } from "./two_model.ts"

guardRejections()

const timeout = someTime

const ruled: TwoProgram = {
  make: (events, rules, limits, domains) =>
    events
      .keyBy("key")
      .connect(rules.broadcast({ rules: mapState(of<KeyValue>(), of<number>(), limits) }))
      .process({
        uid: "op",
        state: stateOf(limits),
        emits: of<unknown>(),
        onError: "skip",
        process: processRuled,
        processBroadcast: changeRules,
        onTimer: onRuledTimerOf(domains),
      }),
  reference: (timed, ttl, domains) =>
    new Reference(timed, ttl, onRuledTimerOf(domains), [processRuled, changeRules]),
}

describe("a stream that is broadcast", () => {
  it("gives what plain code gives, whatever comes of either side", { timeout }, () =>
    compareHalves(ruled, 250),
  )

  it("is a source with a watermark of its own", { timeout }, () => compareSources(ruled, 300))
})
