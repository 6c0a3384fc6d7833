/**
 * Verbs without state: map, filter, flatMap, tap, and union and concat, which only merge.
 *
 * Each goes over a chunk in one loop; an event that throws ends the chunk there.
 */
import { causedBy, select, slice } from "../chunk.ts"
import type { Chunk, Failure } from "../chunk.ts"
import type { Node, OperatorNode, Ran } from "../graph.ts"
import { nodeOptions, operatorOptions } from "../graph.ts"
import { callable, checkOptions } from "../options.ts"
import { refusePromise } from "../state/access.ts"

type Each = (value: unknown) => unknown

export function mapNode(input: Node, given: unknown, options?: object): OperatorNode {
  const each = callable<Each>()(given, "map")
  return node("map", input, options, (chunk) => {
    const { values, at, times, arrival } = chunk
    const out = new Array<unknown>(values.length)
    let i = 0
    try {
      for (; i < values.length; i++) {
        const made = each(values[i])
        refusePromise(made)
        out[i] = made
      }
    } catch (error) {
      out.length = i
      return {
        chunk: slice({ values: out, at, times, arrival }, 0, i),
        failure: { index: i, error },
      }
    }
    return { chunk: { values: out, at, times, arrival } }
  })
}

export function filterNode(input: Node, given: unknown, options?: object): OperatorNode {
  const passes = callable<Each>()(given, "filter")
  return node("filter", input, options, (chunk) => {
    const { values } = chunk
    const indices = new Uint32Array(values.length)
    let size = 0
    let failure: Failure | undefined
    for (let i = 0; i < values.length; i++) {
      try {
        const passed = passes(values[i])
        refusePromise(passed)
        if (passed) indices[size++] = i
      } catch (error) {
        failure = { index: i, error }
        break
      }
    }
    return { chunk: select(chunk, indices.subarray(0, size)), failure }
  })
}

export function flatMapNode(input: Node, given: unknown, options?: object): OperatorNode {
  const each = callable<(value: unknown) => Iterable<unknown>>()(given, "flatMap")
  return node("flatMap", input, options, (chunk) => {
    const out: unknown[] = []
    const causes: number[] = []
    let failure: Failure | undefined
    for (let i = 0; i < chunk.values.length; i++) {
      const sizeBefore = out.length
      try {
        const made = each(chunk.values[i])
        refusePromise(made)
        for (const value of made) {
          out.push(value)
          causes.push(i)
        }
      } catch (error) {
        out.length = sizeBefore
        causes.length = sizeBefore
        failure = { index: i, error }
        break
      }
    }
    return { chunk: causedBy(chunk, out, Uint32Array.from(causes)), failure }
  })
}

export function tapNode(input: Node, given: unknown, options?: object): OperatorNode {
  const look = callable<Each>()(given, "tap")
  return node("tap", input, options, (chunk) => {
    for (let i = 0; i < chunk.values.length; i++) {
      try {
        refusePromise(look(chunk.values[i]))
      } catch (error) {
        const failure = { index: i, error }
        const seen = Uint32Array.from({ length: i }, (_, index) => index)
        return { chunk: select(chunk, seen), failure }
      }
    }
    return { chunk }
  })
}

/** Branches of one source come merged by the job, in the order of their events. */
export function unionNode(inputs: readonly Node[]): OperatorNode {
  return { kind: "union", inputs, open: () => ({ run: (chunk) => ({ chunk }) }) }
}

/** Its parts come one after the other because the job reads their sources so. */
export function concatNode(inputs: readonly Node[]): OperatorNode {
  return { ...unionNode(inputs), kind: "concat" }
}

function node(
  kind: string,
  input: Node,
  options: object | undefined,
  run: (chunk: Chunk) => Ran,
): OperatorNode {
  const checked = checkOptions(options, operatorOptions, kind)
  return { kind, inputs: [input], ...nodeOptions(checked, kind), open: () => ({ run }) }
}
