/**
 * Connected streams against plain code that takes one event at a time, of either side: all kinds of
 * state and timers in common, watermarks of two sources, ends, crashes.
 */
import { describe, it } from "vitest"
import { of } from "../js/index.ts"
import { Failed, onTimerOf, process, stateOf } from "./process_acts.ts"
import { Reference } from "./process_reference.ts"
import { guardRejections } from "./probe.ts"
import { someTime } from "./random.ts"
import { compareHalves, compareSources } from "./two_model.ts"
import type { Sided, TwoProgram } from "./two_model.ts"
import type { Side } from "./two_sources.ts"

guardRejections()

const timeout = someTime

/** What is done by the wrong function fails. */
const only =
  (side: Side): typeof process =>
  (deed, ...given) => {
    if ((deed as Sided).side !== side) throw new Failed()
    return process(deed, ...given)
  }

const connected: TwoProgram = {
  make: (left, right, limits, domains) =>
    left
      .keyBy("key")
      .connect(right.keyBy("key"))
      .process({
        uid: "op",
        state: stateOf(limits),
        emits: of<unknown>(),
        onError: "skip",
        processLeft: only(0),
        processRight: only(1),
        onTimer: onTimerOf(domains),
      }),
  reference: (timed, ttl, domains) => new Reference(timed, ttl, onTimerOf(domains)),
}

describe("connected streams", () => {
  it("give what plain code gives, whatever comes of either side", { timeout }, () =>
    compareHalves(connected, 250),
  )

  it("of two sources go by the watermarks of both", { timeout }, () =>
    compareSources(connected, 300),
  )
})
