/**
 * A sink in two phases, with what is durable and what a crash loses.
 */
import type { ExactlyOnceSink } from "millrace"

type Call = "write" | "prepare" | "commit" | "rollback"

interface Durable<T> {
  readonly prepared: Map<number, readonly T[]>
  readonly committed: T[]
  last: number
}

export class TestSink<T> implements ExactlyOnceSink<T, number> {
  readonly delivery = "exactly-once"
  readonly calls: string[] = []
  readonly #durable: Durable<T>
  readonly #fails: Call | undefined
  #written: T[] = []

  constructor(durable: Durable<T> = { prepared: new Map(), committed: [], last: 0 }, fails?: Call) {
    this.#durable = durable
    this.#fails = fails
  }

  /** The same store, seen by another process. */
  restarted(): TestSink<T> {
    return new TestSink(this.#durable)
  }

  failing(call: Call): TestSink<T> {
    return new TestSink(this.#durable, call)
  }

  get committed(): readonly T[] {
    return this.#durable.committed
  }

  write(results: readonly T[]): void {
    this.#check("write")
    this.#written.push(...results)
  }

  prepare(epoch: number): number {
    this.#check("prepare")
    this.calls.push(`prepare ${epoch}`)
    this.#durable.prepared.set(epoch, this.#written)
    const count = this.#written.length
    this.#written = []
    return count
  }

  commit(epoch: number, prepared: number): void {
    this.#check("commit")
    this.calls.push(`commit ${epoch}`)
    const durable = this.#durable
    if (epoch <= durable.last) return
    const results = durable.prepared.get(epoch)
    if (results?.length !== prepared) throw new Error(`epoch ${epoch} was not prepared`)
    durable.committed.push(...results)
    durable.last = epoch
    durable.prepared.delete(epoch)
  }

  rollback(epoch: number): void {
    this.#check("rollback")
    this.calls.push(`rollback ${epoch}`)
    const durable = this.#durable
    if (durable.last > epoch) throw new Error(`epoch ${durable.last} is committed`)
    for (const each of durable.prepared.keys()) if (each > epoch) durable.prepared.delete(each)
    this.#written = []
  }

  close(): void {
    this.calls.push("close")
  }

  #check(call: Call): void {
    if (this.#fails === call) throw new Error(`no ${call}`)
  }
}
