/**
 * distinctUntilChanged: the values whose key is another than that of the value before.
 *
 * They are compared as keys are, so `1` and `"1"` differ, two equal tuples do not, and the
 * comparison means the same after a restart, which the identity of objects would not.
 */
import type { Node, OperatorNode, OperatorOptions } from "../graph.ts"
import { nodeOptions, operatorOptions } from "../graph.ts"
import { checkOptions } from "../options.ts"
import { noLimits, limitsOption } from "../state/config.ts"
import type { StateConfig } from "../state/config.ts"
import { keyBytes } from "../state/keys.ts"
import type { KeyReader, KeyValue } from "../state/keys.ts"
import { openKeyed, schemaOf } from "./keyed.ts"

/** Options of `distinctUntilChanged`. */
export interface DistinctOptions<T = unknown, K = unknown> extends OperatorOptions<T, K, T> {
  /** The state's limits and ttl. */
  readonly state?: StateConfig
}

const options = { ...operatorOptions, state: limitsOption }

/** Per key of `read`: values for which `by` gives another key than for the one before. */
export function distinctNode(
  input: Node,
  read: KeyReader,
  by: KeyReader,
  settings?: object,
): OperatorNode {
  const checked = checkOptions(settings, options, "distinctUntilChanged")
  const { state } = checked
  const setting = { limits: state?.limits ?? noLimits, value: undefined }
  return {
    kind: "distinctUntilChanged",
    inputs: [input],
    ...nodeOptions(checked, "distinctUntilChanged"),
    keyOf: read,
    schema: schemaOf("distinctUntilChanged", setting),
    open: (site) =>
      openKeyed(site, read, setting, (access) => ({
        call: by,
        accept(now, value, index, out) {
          if (access.exists() && isSame(access.get() as KeyValue, now as KeyValue)) return
          keyBytes(now) // Refuses what cannot be a key.
          access.set(now)
          out.add(value, index)
        },
      })),
  }
}

function isSame(a: KeyValue, b: KeyValue): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b
  return a.length === b.length && a.every((element: KeyValue, i) => isSame(element, b[i] as never))
}
