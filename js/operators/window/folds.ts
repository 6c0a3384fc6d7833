/**
 * Aggregates of windows that C cannot do whole: numbers are still added up by C, in rows by the
 * number of the window; all else is kept with the window.
 */
import type { Site } from "../../graph.ts"
import type { Emitted } from "../../sides.ts"
import type { NamedState } from "../../states.ts"
import { Aggregate } from "../aggregates.ts"
import type { AggregateSpec } from "../aggregates.ts"
import { isPick, Picks } from "../picks.ts"
import type { AnySpec } from "../picks.ts"
import { Totals } from "../totals.ts"
import { keptContents } from "./contents.ts"
import type { Contents, Kept } from "./contents.ts"
import type { Pane } from "./panes.ts"
import type { Emitter, Fire } from "./plan.ts"

/** What is in a window of aggregates. */
interface Folded {
  events: number
  kept: unknown[]
}

const nothing = () => undefined

export class FoldEmitter implements Emitter {
  readonly contents: Contents
  readonly states: readonly NamedState[]
  readonly #specs: readonly AnySpec[]
  readonly #revised: boolean
  readonly #picks: Picks
  readonly #totals: Totals | undefined

  constructor(
    site: Site,
    specs: readonly AnySpec[],
    revised: boolean,
    keeps: boolean,
    ordered: boolean,
  ) {
    this.#specs = specs
    this.#revised = revised
    const numbers = specs.filter((spec): spec is AggregateSpec => spec[1] instanceof Aggregate)
    this.#picks = new Picks(specs.filter(isPick).map(([, spec]) => spec))
    this.#totals = numbers.length === 0 ? undefined : new Totals(site, numbers)
    this.contents = keeps
      ? keptContents(ordered, (event) => void this.#prepare(event))
      : this.#foldedContents()
    this.states = this.#totals === undefined ? [] : [this.#totals.named]
  }

  /** Reads the fields of an event. Throws what is wrong with them. */
  #prepare(event: unknown): unknown[] {
    const values = this.#picks.valuesOf(event)
    this.#totals?.prepare(event)
    return values
  }

  #foldedContents(): Contents {
    const picks = this.#picks
    const totals = this.#totals
    let values: unknown[] = []
    const folded = ({ data }: Pane) => data as Folded
    const fresh = (): Folded => ({ events: 0, kept: picks.fresh() })
    return {
      keeps: false,
      prepare: (event) => void (values = this.#prepare(event)),
      fresh,
      isEmpty: (pane) => folded(pane).events === 0,
      add(pane, event, time, order) {
        folded(pane).events++
        picks.add(folded(pane).kept, values, event, order, time)
        totals?.add(pane.order)
      },
      undo: nothing,
      merge(pane, others) {
        for (const other of others) {
          folded(pane).events += folded(other).events
          picks.merge(folded(pane).kept, folded(other).kept)
        }
        const ids = others.map(({ order }) => order)
        totals?.merge(pane.order, ids)
      },
      clear(pane) {
        pane.data = fresh()
        totals?.drop(pane.order)
      },
      drop: ({ order }) => totals?.drop(order),
    }
  }

  emit(pane: Pane, data: unknown, { keyOf, range, revision }: Fire, out: Emitted): void {
    const [numbers, picked] = this.contents.keeps
      ? this.#resultsOf(data as Kept)
      : [this.#totals?.results(pane.order) ?? [], this.#picks.results((data as Folded).kept)]
    const row: Record<string, unknown> = { key: keyOf(), start: range.start, end: range.end }
    if (this.#revised) row["revision"] = revision
    let [number, pick] = [0, 0]
    for (const [name, spec] of this.#specs) {
      row[name] = spec instanceof Aggregate ? numbers[number++] : picked[pick++]
    }
    out.add(row)
  }

  #resultsOf({ events, times }: Kept): [numbers: unknown[], picked: unknown[]] {
    const kept = this.#picks.fresh()
    events.forEach((event, i) => {
      const values = this.#picks.valuesOf(event)
      this.#picks.add(kept, values, event, i, times[i] as number)
    })
    return [this.#totals?.resultsOf(events) ?? [], this.#picks.results(kept)]
  }

  commit = nothing
  abandon = nothing
}
