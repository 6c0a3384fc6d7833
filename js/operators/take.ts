/**
 * take and skip: the first n values, or all but those. How many there were is state under the one
 * key `null`, so a restart goes on counting.
 */
import type { Chunk } from "../chunk.ts"
import { select } from "../chunk.ts"
import type { Node, OperatorNode, OperatorOptions, Runner, Site } from "../graph.ts"
import { operatorOptions } from "../graph.ts"
import { checkOptions, integer } from "../options.ts"
import { noLimits } from "../state/config.ts"
import { record } from "../state/record.ts"
import { withDone } from "./done.ts"
import { openKeyed, schemaOf } from "./keyed.ts"

const setting = { limits: noLimits, value: record({ seen: "f64" }) }
const options = { uid: operatorOptions.uid, name: operatorOptions.name }

/** Options of `take` and `skip`. */
export type CountOptions = Pick<OperatorOptions, "uid" | "name">

export function takeNode(input: Node, given: unknown, settings?: object): OperatorNode {
  const count = integer({ min: 0 })(given, "take")
  return counted("take", input, settings, count, (seen, size) => [0, Math.min(count - seen, size)])
}

export function skipNode(input: Node, given: unknown, settings?: object): OperatorNode {
  const count = integer({ min: 0 })(given, "skip")
  return counted("skip", input, settings, Infinity, (seen, size) => [
    Math.min(Math.max(count - seen, 0), size),
    size,
  ])
}

/** The part [from, upto) of `size` values that passes after `seen` values were seen. */
type Part = (seen: number, size: number) => readonly [from: number, upto: number]

function counted(
  kind: string,
  input: Node,
  given: object | undefined,
  most: number,
  part: Part,
): OperatorNode {
  const { uid, name } = checkOptions(given, options, kind)
  const schema = schemaOf(kind, setting)
  return { kind, inputs: [input], uid, name, schema, open: (site) => open(site, most, part) }
}

function open(site: Site, most: number, part: Part): Runner {
  let seen = 0
  let add = 0
  // One event under the key null adds what a chunk brought, and tells what there was before.
  const counter = openKeyed(
    site,
    () => null,
    setting,
    (access) => ({
      call() {
        const row = access.get() as { seen: number }
        seen = row.seen
        row.seen += add
      },
      accept: () => undefined,
    }),
  )
  const count = (size: number, { arrival }: Chunk): void => {
    add = size
    void counter.run({ values: [null], at: undefined, arrival })
    seen += size
  }
  return withDone(
    counter,
    () => seen >= most,
    (chunk) => {
      const size = chunk.values.length
      count(size, chunk)
      const [from, upto] = part(seen - size, size)
      const indices = Uint32Array.from({ length: Math.max(upto - from, 0) }, (_, i) => from + i)
      return { chunk: select(chunk, indices) }
    },
  )
}
