/**
 * How many different values there were, by HyperLogLog (Flajolet, Fusy, Gandouet and Meunier 2007).
 *
 *     hash of 64 bits   [ index: p bits ][ the rest: how many zeros it begins with, and one ]
 *     registers         m = 2^p, each the most of the rests of its index
 *
 * While few registers are in use only those are kept, as a sorted list of `index · 64 + register`
 * (sparse); the list and the bytes say the same, and which it is depends on how many there are
 * alone. So a sketch is the same whatever the order of its values, and merging two gives the sketch
 * of all values, bit for bit. The estimate is Ertl's ("New cardinality estimation algorithms for
 * HyperLogLog sketches", 2017), which needs no tables and no ranges: its standard error is no more
 * than 1.04/√m anywhere.
 */
import { MillraceError } from "../errors.ts"
import { encodeKey, keyBytesMax, tag } from "../state/key_bytes.ts"
import { hashOf } from "./hash.ts"
import type { Hash } from "./hash.ts"
import { checkDistinct, insertAt, isFew } from "./values.ts"
import type { Way } from "./way.ts"

/** The registers in use, one way or the other. */
interface Registers {
  /** Ascending; empty once there are bytes. */
  sparse: number[]
  dense: Uint8Array | undefined
}

/** Of `2^precision` registers. */
export function hyperLogLog(precision: number): Way<Registers> {
  const size = 2 ** precision
  const add = (kept: Registers, entry: number) => {
    if (kept.dense !== undefined) raise(kept.dense, entry)
    else if (addSparse(kept.sparse, entry) > size >>> 3) makeDense(kept, size)
  }
  return {
    fresh: () => ({ sparse: [], dense: undefined }),
    check: (value, field) => entryOf(valueHash(value, field), precision),
    add: (kept, entry) => add(kept, entry as number),
    merge(kept, { sparse, dense }) {
      if (dense !== undefined) mergeDense(kept, dense)
      else if (kept.dense !== undefined) for (const entry of sparse) raise(kept.dense, entry)
      else {
        kept.sparse = mergedSparse(kept.sparse, sparse)
        if (kept.sparse.length > size >>> 3) makeDense(kept, size)
      }
    },
    result: (kept) => estimate(kept, size, 64 - precision),
  }
}

// ---- hashes ----

/** What a hash does: to which register, and how much it is at least. */
function entryOf({ high, low }: Hash, precision: number): number {
  const rest = (high << precision) >>> 0
  const zeros = rest !== 0 ? Math.clz32(rest) : 32 - precision + Math.clz32(low)
  return (high >>> (32 - precision)) * 64 + zeros + 1
}

let bytes = new Uint8Array(256)
let view = new DataView(bytes.buffer)

/** The hash of a value's key bytes. Throws `FIELD_TYPE`, `LIMIT`. */
function valueHash(value: unknown, field: string): Hash {
  checkDistinct(value, field)
  if (Number.isNaN(value)) {
    bytes[0] = tag.number
    bytes.set(canonicalNaN, 1)
    return hashOf(bytes, view, 9)
  }
  let end = written(value, field)
  if (end < 0) {
    bytes = new Uint8Array(keyBytesMax + 1)
    view = new DataView(bytes.buffer)
    end = written(value, field)
  }
  return hashOf(bytes, view, end)
}

const canonicalNaN = Uint8Array.of(0, 0, 0, 0, 0, 0, 0xf8, 0x7f)

function written(value: unknown, field: string): number {
  try {
    return encodeKey(value, bytes, view, 0)
  } catch (cause) {
    const { code, message } = cause as MillraceError
    const name = code === "KEY_TYPE" ? "FIELD_TYPE" : code
    throw new MillraceError(name, `field ${field}: ${message}`, { cause })
  }
}

// ---- registers ----

/** Gives how many there are now. */
function addSparse(sparse: number[], entry: number): number {
  const index = entry >>> 6
  let from = 0
  let upto = sparse.length
  while (from < upto) {
    const middle = (from + upto) >>> 1
    if ((sparse[middle] as number) >>> 6 < index) from = middle + 1
    else upto = middle
  }
  const found = sparse[from]
  if (found === undefined || found >>> 6 !== index) insertAt(sparse, from, entry)
  else if (entry > found) sparse[from] = entry
  return sparse.length
}

function raise(dense: Uint8Array, entry: number): void {
  const index = entry >>> 6
  const register = entry & 63
  if (register > (dense[index] as number)) dense[index] = register
}

function makeDense(kept: Registers, size: number): void {
  if (kept.dense !== undefined) return
  kept.dense = new Uint8Array(size)
  for (const entry of kept.sparse) raise(kept.dense, entry)
  kept.sparse = []
}

/** The greater of two entries of one register; both lists ascend. */
function mergedSparse(one: number[], other: readonly number[]): number[] {
  if (one.length === 0) return other.slice()
  if (isFew(other, one)) {
    for (const entry of other) addSparse(one, entry)
    return one
  }
  const merged: number[] = []
  let i = 0
  let j = 0
  while (i < one.length && j < other.length) {
    const [a, b] = [one[i] as number, other[j] as number]
    const same = a >>> 6 === b >>> 6
    merged.push(same ? Math.max(a, b) : Math.min(a, b))
    if (same || a < b) i++
    if (same || b < a) j++
  }
  while (i < one.length) merged.push(one[i++] as number)
  while (j < other.length) merged.push(other[j++] as number)
  return merged
}

function mergeDense(kept: Registers, dense: Uint8Array): void {
  const into = kept.dense
  if (into === undefined) {
    kept.dense = dense.slice()
    for (const entry of kept.sparse) raise(kept.dense, entry)
    kept.sparse = []
    return
  }
  for (let i = 0; i < into.length; i++) {
    const register = dense[i] as number
    if (register > (into[i] as number)) into[i] = register
  }
}

// ---- the estimate ----

/** How many registers have each value; for one estimate at a time. */
const counts = new Uint32Array(64)

function countRegisters({ sparse, dense }: Registers, size: number): void {
  counts.fill(0)
  if (dense === undefined) {
    counts[0] = size - sparse.length
    for (const entry of sparse) (counts[entry & 63] as number)++
  } else {
    for (let i = 0; i < size; i++) (counts[dense[i] as number] as number)++
  }
}

const alpha = 0.7213475204444817 // 1 / (2 ln 2)

/** Ertl's improved raw estimate, a whole number; hashes have `bits` beside the index. */
function estimate(kept: Registers, size: number, bits: number): number {
  countRegisters(kept, size)
  let sum = size * tau(1 - (counts[bits + 1] as number) / size)
  for (let k = bits; k >= 1; k--) sum = (sum + (counts[k] as number)) / 2
  sum += size * sigma((counts[0] as number) / size)
  return Math.round((alpha * size * size) / sum)
}

function sigma(share: number): number {
  if (share === 1) return Infinity
  let [x, y, sum, before] = [share, 1, share, NaN]
  while (sum !== before) {
    x *= x
    before = sum
    sum += x * y
    y += y
  }
  return sum
}

function tau(share: number): number {
  if (share === 0 || share === 1) return 0
  let [x, y, sum, before] = [share, 1, 1 - share, NaN]
  while (sum !== before) {
    x = Math.sqrt(x)
    before = sum
    y /= 2
    sum -= (1 - x) * (1 - x) * y
  }
  return sum / 3
}
