/**
 * Looking on as user functions use their state.
 *
 * While nobody looks, functions have their accessors as they are, and nothing is asked per access.
 * While somebody does, each accessor is wrapped.
 */
import type { Access } from "./access.ts"
import type { KeyValue } from "./key_bytes.ts"

/** One access to state. */
export interface StateTrace {
  /** The operator's uid. */
  readonly operator: string
  /** `update` is a `get` and a `set`; so is each step of a fold. */
  readonly access: "get" | "set" | "exists" | "delete"
  /** The key, if it was asked for. */
  readonly key?: KeyValue
  /** What was read or written, if it was asked for; objects are copies. */
  readonly value?: unknown
}

/** Options of `job.trace`. */
export interface TraceOptions {
  /** Keys are data: told only if this is true. */
  readonly keys?: boolean
  /** Values are data: told only if this is true. */
  readonly values?: boolean
}

/** Who looks on, and at what. */
export interface Tracing extends TraceOptions {
  readonly record: (trace: StateTrace) => void
}

/** An accessor that tells what is done with it. */
export class TracedAccess implements Access {
  readonly #inner: Access
  readonly #operator: string
  readonly #keyAt: (index: number) => KeyValue
  readonly #tracing: Tracing
  #index = 0

  constructor(
    inner: Access,
    operator: string,
    keyAt: (index: number) => KeyValue,
    tracing: Tracing,
  ) {
    this.#inner = inner
    this.#operator = operator
    this.#keyAt = keyAt
    this.#tracing = tracing
  }

  get open(): boolean {
    return this.#inner.open
  }

  begin(index: number): void {
    this.#index = index
    this.#inner.begin(index)
  }

  get(): unknown {
    const value = this.#inner.get()
    this.#tell("get", value)
    return value
  }

  set(value: unknown): void {
    this.#inner.set(value)
    this.#tell("set", value)
  }

  exists(): boolean {
    const value = this.#inner.exists()
    this.#tell("exists", value)
    return value
  }

  delete(): void {
    this.#inner.delete()
    this.#tell("delete", undefined)
  }

  detach(): void {
    this.#inner.detach()
  }

  suspend(): void {
    this.#inner.suspend()
  }

  resume(): void {
    this.#inner.resume()
  }

  plain(value: unknown): unknown {
    return this.#inner.plain(value)
  }

  commit(): void {
    this.#inner.commit()
  }

  abandon(): void {
    this.#inner.abandon()
  }

  #tell(access: StateTrace["access"], value: unknown): void {
    const { record, keys, values } = this.#tracing
    record({
      operator: this.#operator,
      access,
      ...(keys === true ? { key: this.#keyAt(this.#index) } : {}),
      ...(values === true ? { value: this.#inner.plain(value) } : {}),
    })
  }
}
