/**
 * Numbers that go up by one for as long as a job and its successors live; saved as a state of its
 * own, a row with one field.
 */
import { Operator } from "../../engine/operator.ts"
import { Rows } from "../../engine/rows.ts"
import type { Site } from "../../graph.ts"
import { noLimits } from "../../state/config.ts"
import { keyBytes } from "../../state/key_bytes.ts"
import type { NamedState } from "../../states.ts"

export class NumberSource {
  readonly named: NamedState
  readonly #operator: Operator
  readonly #rows: Rows
  /** The address of the number; 0: not looked for yet. */
  #at = 0

  constructor(site: Site) {
    const spec = { kind: "custom", limits: noLimits, fields: ["f64"] } as const
    this.#operator = new Operator(site.engine, site.uid, spec, site.label)
    this.#rows = new Rows(this.#operator)
    const schema = { kind: "numbers", fields: ["next:f64"], ttl: false }
    this.named = { name: "numbers", schema, operator: this.#operator }
  }

  next(): number {
    if (this.#at === 0) this.#at = this.#find()
    const { f64 } = this.#operator.engine.views
    const number = f64[this.#at >>> 3] as number
    f64[this.#at >>> 3] = number + 1
    return number
  }

  #find(): number {
    const rows = this.#rows
    const row = rows.ensureKey(keyBytes(null), (record) => void (rows.views.f64[record >>> 3] = 0))
    return rows.record(row)
  }
}
