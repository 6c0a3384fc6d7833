/**
 * The bytes of a savepoint.
 *
 *   savepoint  "MRSP"  u32 version  then frames: the header, segments, the end
 *   frame      u32 what  u32 size  bytes of that size  u64 checksum
 *   what       of the header 0, of a segment the place of its state in the header, of the end
 *              2^32 - 1
 *   checksum   XXH64 of the eight bytes before the frame, then of the frame as far as it goes
 *
 * All is little-endian. The header is CBOR, a segment is blocks as c/save.h has them, the end is
 * empty. Each checksum takes in the one before it, the first of them the magic and the version: so
 * a byte that is changed, lost, added or in another place is found, at the latest at the end.
 *
 * Every version, this one and later ones, has the header's frame like this: so that a reader knows
 * a newer savepoint from a damaged one.
 */
import { decode } from "./codec.ts"
import { MillraceError } from "./errors.ts"
import { eachOnce, flowParts, shaped, stateNames, stateParts } from "./saved.ts"
import type { SavedFlow, SavedState } from "./saved.ts"

/** The version that this code writes, and the newest that it reads. */
export const savepointFormat = 1

/** What the end has in place of a state. */
const end = 2 ** 32 - 1

const magic = Uint8Array.from("MRSP", (char) => char.charCodeAt(0))

/** What stands in a savepoint's header. */
export interface SavepointHeader extends SavedFlow {
  readonly states: readonly SavedState[]
}

/** A segment of the state that has this place in the header. */
export interface SavepointSegment {
  readonly state: number
  readonly bytes: Uint8Array
}

type Checksum = (bytes: Uint8Array) => bigint

/** Where bytes come from: the next so many, which throws `CORRUPT` when there are fewer. */
export interface Bytes {
  /** How many were taken. */
  readonly taken: number
  take(size: number): Promise<Uint8Array>
  /** Throws `CORRUPT` when there is more. */
  end(): Promise<void>
}

/** The frames of a savepoint, one after another. */
export class FrameWriter {
  readonly #checksum: Checksum
  #before: Uint8Array = opening(savepointFormat)

  constructor(checksum: Checksum) {
    this.#checksum = checksum
  }

  /** The opening with the header's frame. */
  header(header: Uint8Array): Uint8Array[] {
    return [this.#before, this.#frame(0, header)]
  }

  segment({ state, bytes }: SavepointSegment): Uint8Array {
    return this.#frame(state, bytes)
  }

  end(): Uint8Array {
    return this.#frame(end, new Uint8Array(0))
  }

  #frame(what: number, bytes: Uint8Array): Uint8Array {
    const sealed = seal(this.#before, what, bytes)
    const frame = sealed.subarray(8)
    const sum = this.#checksum(sealed.subarray(0, -8))
    new DataView(frame.buffer).setBigUint64(sealed.length - 8, sum, true)
    this.#before = frame.subarray(-8)
    return frame
  }
}

/** Reads what a {@link FrameWriter} wrote: first the header, then segments until there are none. */
export class FrameReader {
  readonly #bytes: Bytes
  readonly #checksum: Checksum
  #before: Uint8Array = new Uint8Array(8)
  #states = 0
  /** The version that wrote the savepoint; undefined until it is known to be one. */
  format: number | undefined

  constructor(bytes: Bytes, checksum: Checksum) {
    this.#bytes = bytes
    this.#checksum = checksum
  }

  /**
   * @throws {MillraceError} `CORRUPT` for bytes that are no savepoint, or damaged; `UNSUPPORTED`
   *   when a newer version wrote it.
   */
  async header(): Promise<SavepointHeader> {
    this.#before = await this.#bytes.take(8)
    if (magic.some((byte, i) => byte !== this.#before[i])) {
      throw new MillraceError("CORRUPT", "these bytes are no savepoint")
    }
    const format = (this.format = word(this.#before, 4))
    const { what, bytes } = await this.#frame()
    if (format > savepointFormat) {
      const message = `savepoint of format ${format}; this version reads up to ${savepointFormat}`
      throw new MillraceError("UNSUPPORTED", message)
    }
    const header = decode(bytes)
    if (what !== 0 || format === 0 || !isHeader(header)) throw damaged("in its header")
    this.#states = header.states.length
    return header
  }

  /** The next segment; undefined when all were read. Throws `CORRUPT`. */
  async segment(): Promise<SavepointSegment | undefined> {
    const at = this.#bytes.taken
    const { what, bytes } = await this.#frame()
    if (what === end && bytes.length === 0) {
      await this.#bytes.end()
      return undefined
    }
    if (what >= this.#states) throw damaged(`in the part at byte ${at}`)
    return { state: what, bytes }
  }

  async #frame(): Promise<{ readonly what: number; readonly bytes: Uint8Array }> {
    const at = this.#bytes.taken
    const head = await this.#bytes.take(8)
    const [what, size] = [word(head, 0), word(head, 4)]
    const bytes = await this.#bytes.take(size)
    const sum = await this.#bytes.take(8)
    const sealed = seal(this.#before, what, bytes)
    const { buffer, byteOffset } = sum
    const expected = new DataView(buffer, byteOffset).getBigUint64(0, true)
    if (this.#checksum(sealed.subarray(0, -8)) !== expected) {
      throw damaged(`in the part at byte ${at}`)
    }
    this.#before = sum
    return { what, bytes }
  }
}

/** The error of a savepoint that is not whole. */
export function damaged(where: string): MillraceError {
  return new MillraceError("CORRUPT", `the savepoint is damaged or not whole, ${where}`)
}

function opening(version: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8)
  bytes.set(magic)
  new DataView(bytes.buffer).setUint32(4, version, true)
  return bytes
}

/** What the checksum is of, with room for it. */
function seal(before: Uint8Array, what: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const sealed = new Uint8Array(16 + bytes.length + 8)
  const view = new DataView(sealed.buffer)
  sealed.set(before)
  view.setUint32(8, what, true)
  view.setUint32(12, bytes.length, true)
  sealed.set(bytes, 16)
  return sealed
}

function word(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true)
}

const headerShape = shaped({ ...flowParts, states: eachOnce(stateNames, shaped(stateParts)) })

function isHeader(value: unknown): value is SavepointHeader {
  return headerShape(value)
}
