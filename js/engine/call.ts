/**
 * A call of a user's function: its times, and its key in linear memory.
 *
 *   key buffer  [6][2][u16 size][key of the call][u16 size][key of its own: index, map key, name]
 *                                 ^ owner: the key of a state without entries
 *
 * The buffer belongs to a call, and all its states write their keys there.
 */
import { MillraceError } from "../errors.ts"
import { encodeKey, keyBytesMax, tag } from "../state/key_bytes.ts"
import type { KeyValue } from "../state/key_bytes.ts"
import { decodeKey } from "../state/key_read.ts"
import type { Engine } from "./engine.ts"

/** Before the key of the call, and before each key: its size. */
export const headBytes = 4
export const sizeBytes = 2

/** The key of a call in linear memory, with room for the keys of entries behind it. */
class KeyBuffer {
  readonly engine: Engine
  #address: number
  #room = 256
  #size = 0
  #bytes = new Uint8Array(0)
  #view = new DataView(new ArrayBuffer(0))

  constructor(engine: Engine) {
    this.engine = engine
    this.#address = engine.alloc(this.#room)
  }

  /** Take the key whose bytes are [from, to) of linear memory. */
  begin(from: number, to: number): void {
    this.#reserve(to - from)
    this.engine.views.u8.copyWithin(this.owner, from, to)
  }

  /** Take the key that has these bytes. */
  beginBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.engine.views.u8.set(bytes, this.owner)
  }

  #reserve(size: number): void {
    this.#size = size
    while (this.#own >= this.#room) this.#grow()
    const { u8 } = this.engine.views
    u8[this.#address] = tag.tuple
    u8[this.#address + 1] = 2
    this.#putSize(this.#address + 2, size)
  }

  /** The key: its address, and its size. */
  get owner(): number {
    return this.#address + headBytes
  }

  get ownerSize(): number {
    return this.#size
  }

  /** The key of an entry. */
  get entry(): number {
    return this.#address
  }

  /**
   * Write an entry's own key; gives the size of the whole.
   *
   * @throws {MillraceError} `KEY_TYPE` for what cannot be a key; `LIMIT`.
   */
  putEntry(key: unknown): number {
    for (;;) {
      this.#look()
      const end = encodeKey(key, this.#bytes, this.#view, this.#own)
      if (end > keyBytesMax) {
        throw new MillraceError("LIMIT", `a key with its entry's has over ${keyBytesMax} bytes`)
      }
      if (end >= 0) {
        this.#putSize(this.#address + this.#own - sizeBytes, end - this.#own)
        return end
      }
      this.#grow()
    }
  }

  free(): void {
    this.engine.free(this.#address, this.#room)
  }

  ownerKey(): KeyValue {
    return decodeKey(this.engine.views.u8, this.owner, this.owner + this.#size)
  }

  get #own(): number {
    return headBytes + this.#size + sizeBytes
  }

  #putSize(at: number, size: number): void {
    const { u8 } = this.engine.views
    u8[at] = size
    u8[at + 1] = size >>> 8
  }

  #grow(): void {
    const { engine } = this
    const address = engine.alloc(this.#room * 2)
    engine.views.u8.copyWithin(address, this.#address, this.#address + this.#room)
    engine.free(this.#address, this.#room)
    this.#address = address
    this.#room *= 2
  }

  #look(): void {
    const { buffer } = this.engine.views
    if (this.#bytes.buffer === buffer && this.#bytes.byteOffset === this.#address) {
      if (this.#bytes.length === this.#room) return
    }
    this.#bytes = new Uint8Array(buffer, this.#address, this.#room)
    this.#view = new DataView(buffer, this.#address, this.#room)
  }
}

/** A call of a user's function: its key and its times. */
export class Call {
  readonly key: KeyBuffer
  /** Inside the call? */
  open = false
  /** Which call this is: what was begun in another one is over. */
  number = 0
  /** Its time, and what has surely passed: the watermark. Both are `now` in processing time. */
  timeMs = 0
  passedMs = 0
  /** Processing time. */
  now = 0

  constructor(engine: Engine) {
    this.key = new KeyBuffer(engine)
  }
}
