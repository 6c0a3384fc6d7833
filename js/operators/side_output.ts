/**
 * sideOutput: what an operator sends to one of its tags, as a stream.
 */
import { MillraceError } from "../errors.ts"
import type { Node, OperatorNode } from "../graph.ts"
import { tagOption } from "../tag.ts"

/** @throws {MillraceError} `OPTION` for a tag that the operator does not send to. */
export function sideOutputNode(from: Node, given: unknown): OperatorNode {
  const first = "partOf" in from ? from.partOf : undefined
  const halves = first === undefined ? [from] : [first, from]
  const tag = tagOption(given, "sideOutput")
  const senders = halves.filter(({ tags }) => tags?.includes(tag))
  if (senders.length === 0) {
    const tags = new Set(halves.flatMap(({ tags = [] }) => tags))
    const known = Array.from(tags, ({ name }) => name).join(", ") || "none"
    const hint = "ask the stream of the operator whose options name it, or job.output(tag)"
    const has = `has no side output ${tag.name}; it has ${known}`
    throw new MillraceError("OPTION", `${(first ?? from).kind} ${has}: ${hint}`)
  }
  return {
    kind: "sideOutput",
    inputs: senders,
    side: tag,
    open: () => ({ run: (chunk) => ({ chunk }) }),
  }
}
