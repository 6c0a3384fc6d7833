/**
 * Typed views over linear memory that follow it when it grows.
 *
 * Growing memory detaches every older view, so no code keeps one over a call into C: it reads
 * `views.u32` again, after `follow()` where a call may have allocated.
 */
export class Views {
  readonly #memory: WebAssembly.Memory
  buffer!: ArrayBuffer
  u8!: Uint8Array<ArrayBuffer>
  u16!: Uint16Array<ArrayBuffer>
  u32!: Uint32Array<ArrayBuffer>
  f64!: Float64Array<ArrayBuffer>
  i64!: BigInt64Array<ArrayBuffer>
  u64!: BigUint64Array<ArrayBuffer>

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory
    this.#look()
  }

  /** Take new views if memory has grown; cheap when it has not. */
  follow(): void {
    if (this.u8.length === 0) this.#look()
  }

  #look(): void {
    this.buffer = this.#memory.buffer
    this.u8 = new Uint8Array(this.buffer)
    this.u16 = new Uint16Array(this.buffer)
    this.u32 = new Uint32Array(this.buffer)
    this.f64 = new Float64Array(this.buffer)
    this.i64 = new BigInt64Array(this.buffer)
    this.u64 = new BigUint64Array(this.buffer)
  }

  /** The word at a byte address that is a multiple of 4. */
  word(address: number): number {
    return this.u32[address >>> 2] as number
  }
}
