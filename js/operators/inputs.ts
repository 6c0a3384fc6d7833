/**
 * Operators with several inputs: each with keys of its own.
 */
import type { Chunk } from "../chunk.ts"
import type { Node } from "../graph.ts"
import type { KeyReader } from "../state/keys.ts"

/** A stream that is an input, and what the keys of its events are. */
export interface KeyedInput {
  readonly node: Node
  readonly read: KeyReader
}

/** Reads the keys of a chunk's values, each once and in their order, as their inputs have them. */
export function readerOf({ inputs = 0 }: Chunk, readers: readonly KeyReader[]): KeyReader {
  if (typeof inputs === "number") return readers[inputs] as KeyReader
  let index = 0
  return (event) => (readers[inputs[index++] as number] as KeyReader)(event)
}
