/**
 * sideOutput: what an operator sends to one of its tags, as a stream.
 */
import { MillraceError } from "../errors.ts"
import type { Node, OperatorNode } from "../graph.ts"
import { tagOption } from "../tag.ts"

/** @throws {MillraceError} `OPTION` for a tag that the operator does not send to. */
export function sideOutputNode(from: Node, given: unknown): OperatorNode {
  const input = ("partOf" in from ? from.partOf : undefined) ?? from
  const tag = tagOption(given, "sideOutput")
  const tags = input.tags ?? []
  if (!tags.includes(tag)) {
    const known = tags.map(({ name }) => name).join(", ") || "none"
    const hint = "ask the stream of the operator whose options name it, or job.output(tag)"
    const message = `${input.kind} has no side output ${tag.name}; it has ${known}: ${hint}`
    throw new MillraceError("OPTION", message)
  }
  return {
    kind: "sideOutput",
    inputs: [input],
    side: tag,
    open: () => ({ run: (chunk) => ({ chunk }) }),
  }
}
