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
  /** The row of the number; 0: not looked for yet. */
  #row = 0

  constructor(site: Site) {
    const spec = { kind: "custom", limits: noLimits, fields: ["f64"] } as const
    this.#operator = new Operator(site.engine, site.uid, spec, site.label)
    this.#rows = new Rows(this.#operator)
    const schema = { kind: "numbers", fields: ["next:f64"], ttl: false }
    this.named = { name: "numbers", schema, operator: this.#operator }
  }

  next(): number {
    if (this.#row === 0) this.#row = this.#find()
    const { f64 } = this.#operator.engine.views
    const at = this.#rows.record(this.#row) >>> 3
    const number = f64[at] as number
    this.#rows.changed(this.#row)
    f64[at] = number + 1
    return number
  }

  #find(): number {
    const rows = this.#rows
    return rows.ensureKey(keyBytes(null), (record) => void (rows.views.f64[record >>> 3] = 0))
  }
}
