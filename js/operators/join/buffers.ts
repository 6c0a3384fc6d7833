/**
 * The first half of a join: the events of two inputs that wait for partners, and the pairs that
 * they make, by the spec.
 */
import { MillraceError } from "../../errors.ts"
import type { OperatorNode, Runner, Site } from "../../graph.ts"
import type { Emitted } from "../../sides.ts"
import type { JoinSpec, WindowJoinSpec } from "./spec.ts"
import { WindowRunner } from "../window/run.ts"
import { sidesPlan } from "../window/sides.ts"
import type { GiveSides } from "../window/sides.ts"
import { AsOfRunner } from "./as_of.ts"
import { ArrivalRunner, PairRunner } from "./pairs.ts"
import { Pair, RightAlone } from "./runner.ts"
import type { JoinPlan } from "./runner.ts"

/** The most pairs of a key that one window makes. */
const pairsMax = 1 << 22

/** How the events wait, and the schema of that where it is one state. */
export function buffersOf(
  spec: JoinSpec,
  plan: Omit<JoinPlan, "schema">,
): Pick<OperatorNode, "schema" | "open"> {
  if (spec.kind === "windowJoin") return windowsOf(spec, plan)
  const { kind } = spec
  const own = kind === "interval" ? [] : [kind]
  const schema = { kind: "joinBuffers", fields: [...own, "ref"], ttl: false }
  const open = (site: Site): Runner => {
    if (kind === "within") return new ArrivalRunner(site, { ...plan, schema }, spec)
    if (!site.eventTime) {
      const hint = "give both sources a time: from(…, { time })"
      throw new MillraceError("OPTION", `${site.label}: ${kind} needs event time; ${hint}`)
    }
    if (kind === "asOf") return new AsOfRunner(site, { ...plan, schema }, spec)
    return new PairRunner(site, { ...plan, schema }, spec)
  }
  return { schema, open }
}

function windowsOf(
  { assigner, type, latenessMs }: WindowJoinSpec<never>,
  { readers, limits, lateTo }: Omit<JoinPlan, "schema">,
): Pick<OperatorNode, "open"> {
  const [lonelyLeft, lonelyRight] = [
    type === "left" || type === "full",
    type === "right" || type === "full",
  ]
  const giveOf = ({ label }: Site): GiveSides => {
    return (lefts, rights, _, out: Emitted) => {
      if (lefts.length * rights.length > pairsMax) {
        const message = `${label}: a window has more than ${pairsMax} pairs of one key`
        throw new MillraceError("LIMIT", message)
      }
      for (const left of lefts) {
        for (const right of rights) out.add(new Pair(left, right))
        if (rights.length === 0 && lonelyLeft) out.add(new Pair(left, undefined))
      }
      if (lefts.length > 0 || !lonelyRight) return
      for (const right of rights) out.add(new RightAlone(right))
    }
  }
  const plan = sidesPlan(assigner, { allowedLateness: latenessMs, lateTo }, limits, giveOf)
  return { open: (site) => new WindowRunner(site, readers, plan) }
}
