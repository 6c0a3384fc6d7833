/**
 * The states of a process function, and its timers: a C operator each.
 */
import { cellsOf, fieldKinds } from "../../engine/cells.ts"
import { Operator } from "../../engine/operator.ts"
import { Timers } from "../../engine/timers.ts"
import type { Site } from "../../graph.ts"
import { noLimits } from "../../state/config.ts"
import { hasEntries } from "../../state/kinds.ts"
import type { Descriptor } from "../../state/kinds.ts"
import { valueSchema } from "../../state/value_schema.ts"
import type { NamedState } from "../../states.ts"
import type { Domain, OpenState, OpenTimers } from "./seat.ts"

/** A C operator for each state; some may be one for all keys. */
export function openStates(
  site: Site,
  state: Readonly<Record<string, Descriptor<unknown>>>,
  broadcast: boolean,
): OpenState[] {
  return Object.entries(state).map(([name, descriptor]) => {
    return openState(site, name, descriptor, broadcast)
  })
}

function openState(
  site: Site,
  name: string,
  descriptor: Descriptor<unknown>,
  broadcast: boolean,
): OpenState {
  const { kind, record, setting } = descriptor
  const operator = new Operator(
    site.engine,
    `${site.uid}/${name}`,
    {
      kind: "custom",
      limits: setting.limits,
      fields: fieldKinds(record),
      entries: hasEntries(kind),
      migrate: setting.migrate,
    },
    `${site.label}/${name}`,
  )
  const cells = cellsOf(operator, record)
  return { name, descriptor, broadcast, operator, copy: (row) => cells.copy(row) }
}

/** A state as it is saved and looked at. */
export function namedState({ name, descriptor, operator, copy }: OpenState): NamedState {
  const { kind, record, setting } = descriptor
  return { name, schema: valueSchema(kind, record, setting), operator, readRow: copy }
}

const timersSpec = { kind: "custom", fields: [], timers: true, entries: true } as const

/** The timers of each kind of time that there is. */
export function openTimers({ engine, uid, eventTime }: Site): ReadonlyMap<Domain, OpenTimers> {
  const domains: readonly Domain[] = eventTime ? ["event", "processing"] : ["processing"]
  return new Map(
    domains.map((domain) => {
      const name = `${uid}/${timersName(domain)}`
      const operator = new Operator(engine, name, { ...timersSpec, limits: noLimits })
      return [domain, { operator, timers: new Timers(operator) }]
    }),
  )
}

/** No state of the user's can have this name. */
function timersName(domain: Domain): string {
  return `@${domain}-timers`
}

/** Timers are saved, and shown to nobody. */
export function namedTimers([domain, { operator }]: readonly [Domain, OpenTimers]): NamedState {
  const schema = { kind: "timers", fields: [], ttl: false }
  return { name: timersName(domain), schema, operator }
}
