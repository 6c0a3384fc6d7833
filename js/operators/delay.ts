/**
 * throttle that delays: C says when each event may go on, and a queue per key holds it until then.
 *
 *   event -> [event, its time] -> queue of the key -> event, when its time has come
 *
 * The times of one key never decrease, so its queue is in order; other keys are never held up.
 */
import { causedBy } from "../chunk.ts"
import type { Chunk } from "../chunk.ts"
import { Operator } from "../engine/operator.ts"
import type { OperatorSpec } from "../engine/operator.ts"
import { MillraceError } from "../errors.ts"
import type { OperatorNode, Ran, Runner, Site } from "../graph.ts"
import { wrapEmitted } from "../on_error.ts"
import type { ErrorPolicy } from "../on_error.ts"
import { noLimits } from "../state/config.ts"
import type { KeyReader } from "../state/keys.ts"
import type { AnyTag } from "../tag.ts"
import { Evictions } from "./evictions.ts"
import { openHolding } from "./holding.ts"
import type { Holding } from "./holding.ts"
import { afterChunk, pushChunk, valueOf } from "./pushed.ts"

/** An event, and when it may go on. */
type Judged = readonly [event: unknown, timeMs: number]

/** The part that judges. Throws `OPTION` in event time, which cannot wait. */
export class JudgeRunner implements Runner {
  readonly operator: Operator
  readonly evictions: Evictions
  readonly #read: KeyReader
  readonly #readRow: (operator: Operator, row: number) => unknown

  constructor(
    site: Site,
    read: KeyReader,
    spec: OperatorSpec,
    readRow: (operator: Operator, row: number) => unknown,
    evictedTo: AnyTag | undefined,
  ) {
    if (site.eventTime) {
      const hint = 'a delay needs processing time: leave from.time out, or use "drop" or "route"'
      throw new MillraceError("OPTION", `${site.uid}.overflow "delay": ${hint}`)
    }
    this.operator = new Operator(site.engine, site.uid, spec, site.label)
    this.evictions = new Evictions(this.operator, (row) => this.readRow(row), evictedTo)
    this.#read = read
    this.#readRow = readRow
  }

  run(chunk: Chunk): Ran {
    const { results, engine } = this.operator
    const judged: Judged[] = []
    const indices: number[] = []
    const failure = pushChunk(chunk, this, this.#read, (slice) => {
      const { positions, times, size } = results
      const { u32, f64 } = engine.views
      for (let i = 0; i < size; i++) {
        const index = valueOf(slice, u32[positions + i] as number)
        judged.push([chunk.values[index], f64[times + i] as number])
        indices.push(index)
      }
    })
    const judgedChunk = causedBy(chunk, judged, Uint32Array.from(indices))
    return { chunk: judgedChunk, sides: this.evictions.sides(chunk), failure }
  }

  settle(chunk: Chunk): undefined {
    return afterChunk(this.operator, chunk)
  }

  readRow(row: number): unknown {
    return this.#readRow(this.operator, row)
  }
}

/** What `onError` emits instead of an event is judged by nobody, and waits for nothing. */
export function judgedErrors(policy: ErrorPolicy | undefined): ErrorPolicy | undefined {
  return wrapEmitted(policy, (value): Judged => [value, -Infinity])
}

/** The queues, behind the part that judges. */
export function queueNode(judge: OperatorNode, read: KeyReader): OperatorNode {
  const readJudged: KeyReader = (judged) => {
    const [event, timeMs] = judged as Judged
    return timeMs === -Infinity ? [] : read(event) // It need not have a key.
  }
  return {
    kind: "throttleQueue",
    inputs: [judge],
    uid: judge.uid === undefined ? undefined : `${judge.uid}.queue`,
    name: judge.name,
    schema: { kind: "throttleQueue", fields: ["ref"], ttl: false },
    partOf: judge,
    open: (site) => openHolding(site, readJudged, noLimits, queue),
  }
}

/** Timers are of whole milliseconds: none may fire before its event's time. */
const dueOf = (values: readonly unknown[]): number =>
  values.length === 0 ? Infinity : Math.ceil((values[0] as Judged)[1])

const queue: Holding = {
  waited: true,
  add(held, judged, time) {
    const values = held?.values ?? []
    values.push(judged)
    return { values, time, due: dueOf(values) }
  },
  full: ({ due, time }) => due <= time,
  letGo(held, time) {
    let count = 0
    while (count < held.values.length && (held.values[count] as Judged)[1] <= time) count++
    const gone = held.values.splice(0, count).map((judged) => (judged as Judged)[0])
    held.due = dueOf(held.values)
    return gone
  },
}
