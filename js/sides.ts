/**
 * What goes aside: values for tags, in the order of events.
 */
import { merge } from "./chunk.ts"
import type { Sides } from "./graph.ts"

/** All of these together: one tag may be for errors and for something else. */
export function joinSides(all: readonly Sides[]): Sides {
  const tags = new Set(all.flatMap((sides) => [...sides.keys()]))
  return new Map([...tags].map((tag) => [tag, merge(all.flatMap((sides) => sides.get(tag) ?? []))]))
}
