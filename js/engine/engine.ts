/**
 * One C engine: an instance of the module, its memory, and the refusals that become errors.
 *
 * Every job has an instance of its own, so that closing the job gives its whole memory back.
 * Methods are synchronous, because Wasm never waits; all awaiting happens outside, between calls.
 */
import { MillraceError } from "../errors.ts"
import type { ErrorCode } from "../errors.ts"
import { layouts, status } from "./abi.ts"
import type { Exports } from "./exports.ts"
import { giveBackInstance, takeInstance } from "./instances.ts"
import type { Instance } from "./instances.ts"
import { RefSlab } from "./refs.ts"
import type { Views } from "./views.ts"

/** What an engine takes from the host and has in use, in bytes. */
export interface MemoryStats {
  /** In use by rows, batches and the rest. */
  readonly live: number
  /** Taken from the host, whole pages: what counts against the limit. */
  readonly reserved: number
  /** Estimate of values that live on the JavaScript side: 512 bytes each; counts too. */
  readonly external: number
  /** `run({ memory: { maxBytes } })`. */
  readonly limit: number
}

export interface EngineOptions {
  readonly memoryBytesMax: number
  /** Secret of the keyed hash; from the host's random source by default. */
  readonly hashSeed?: bigint
  /** Do states remember what changed since the last checkpoint? Default false. */
  readonly tracks?: boolean
}

/**
 * A safety net, not the plan: `close()` frees at a known time. Workers with a compatibility date
 * before May 2025 have none.
 */
const abandoned =
  typeof FinalizationRegistry === "undefined"
    ? undefined
    : new FinalizationRegistry<{ wasm: Exports; handle: number }>(
        ({ wasm, handle }) => void wasm.mr_engine_close(handle),
      )

const codeOf = new Map<number, ErrorCode>([
  [status.ERR_HANDLE, "CLOSED"],
  [status.ERR_ARGUMENT, "INTERNAL"],
  [status.ERR_MEMORY, "MEMORY"],
  [status.ERR_CORRUPT, "CORRUPT"],
  [status.ERR_LIMIT, "LIMIT"],
])

export class Engine {
  readonly wasm: Exports
  readonly views: Views
  readonly refs: RefSlab
  readonly tracks: boolean
  readonly #instance: Instance
  /** Address of a few hundred bytes for out parameters and small structures. */
  readonly scratch: number
  #handle: number

  constructor(module: WebAssembly.Module, options: EngineOptions) {
    const { memoryBytesMax, hashSeed, tracks = false } = options
    this.tracks = tracks
    this.#instance = takeInstance(module)
    this.wasm = this.#instance.wasm
    this.views = this.#instance.views
    this.scratch = this.wasm.mr_scratch()
    const { at, bytes } = layouts.options
    this.views.u64[(this.scratch + at.memory_bytes_max) >>> 3] = BigInt(memoryBytesMax)
    this.views.u64[(this.scratch + at.hash_seed) >>> 3] = hashSeed ?? randomSeed()
    const opened = this.wasm.mr_engine_open(this.scratch, this.scratch + bytes)
    this.check("open an engine", opened)
    this.#handle = this.views.word(this.scratch + bytes)
    abandoned?.register(this, { wasm: this.wasm, handle: this.#handle }, this)
    this.refs = new RefSlab(this)
  }

  /** The C handle; 0 once closed. */
  get handle(): number {
    return this.#handle
  }

  /** Throw the typed error of a refusal; `what` says what was tried. */
  check(what: string, result: number): void {
    if (result < 0) throw this.refusal(what, result)
    this.views.follow()
  }

  /** The error of a refused call. */
  refusal(what: string, result: number): MillraceError {
    this.views.follow()
    const code = codeOf.get(result) ?? "INTERNAL"
    const name = this.#text(this.wasm.mr_error_name())
    const value = this.wasm.mr_error_value()
    const detail =
      code === "LIMIT" || code === "MEMORY" ? `${name} of ${value} is reached` : `${name} ${value}`
    return new MillraceError(code, `could not ${what}: ${detail}`)
  }

  /** Allocate; the address stays until {@link free} with the same size. */
  alloc(bytes: number): number {
    this.check(`allocate ${bytes} bytes`, this.wasm.mr_alloc(this.#handle, bytes, this.scratch))
    return this.views.word(this.scratch)
  }

  free(address: number, bytes: number): void {
    this.wasm.mr_free(this.#handle, address, bytes)
  }

  /** Copy bytes into linear memory, run `use`, and free them whatever happens. */
  withBytes<Result>(bytes: Uint8Array, use: (address: number) => Result): Result {
    const room = Math.max(bytes.length, 1)
    const address = this.alloc(room)
    try {
      this.views.u8.set(bytes, address)
      return use(address)
    } finally {
      this.free(address, room)
    }
  }

  /** XXH64 of the bytes. */
  checksum(bytes: Uint8Array): bigint {
    return this.withBytes(bytes, (address) => {
      this.wasm.mr_checksum(address, bytes.length, this.scratch)
      return this.views.u64[this.scratch >>> 3] as bigint
    })
  }

  memory(): MemoryStats {
    const { at } = layouts.memory
    this.check("read memory figures", this.wasm.mr_engine_memory(this.#handle, this.scratch))
    const read = (offset: number) => Number(this.views.u64[(this.scratch + offset) >>> 3])
    return {
      live: read(at.live_bytes),
      reserved: read(at.reserved_bytes),
      external: read(at.external_bytes),
      limit: read(at.limit_bytes),
    }
  }

  /** Free everything; `whole`: no call has trapped, so another engine may have the instance. */
  close(whole = false): void {
    if (this.#handle === 0) return
    abandoned?.unregister(this)
    this.wasm.mr_engine_close(this.#handle)
    this.#handle = 0
    this.refs.clear()
    if (whole) giveBackInstance(this.#instance)
  }

  #text(address: number): string {
    let text = ""
    for (let at = address; this.views.u8[at]; at++) {
      text += String.fromCharCode(this.views.u8[at] as number)
    }
    return text
  }
}

/** The host is asked for many at once: being asked costs it more than the numbers. */
const seeds = new BigUint64Array(64)
let seedsLeft = 0

function randomSeed(): bigint {
  if (seedsLeft === 0) seedsLeft = crypto.getRandomValues(seeds).length
  return seeds[--seedsLeft] as bigint
}
