/**
 * A fixed hash of 64 bits: MurmurHash3_x86_128 (Austin Appleby, 2011, in the public domain), of
 * which the first half is taken. It needs 32-bit steps alone, so it is quick in JavaScript.
 *
 * It has no key, so that sketches of different jobs and runtimes can be merged: who chooses the
 * values can make them meet, and an estimate wrong, but no more.
 */

/** The halves of a hash; one object for all. */
export interface Hash {
  high: number
  low: number
}

const hash: Hash = { high: 0, low: 0 }

const [c1, c2, c3, c4] = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93]

/** Hash the first `size` bytes; the result is good until the next call. */
export function hashOf(bytes: Uint8Array, view: DataView, size: number, seed = 0): Hash {
  let h1 = seed
  let h2 = seed
  let h3 = seed
  let h4 = seed
  const whole = size & ~15
  for (let at = 0; at < whole; at += 16) {
    h1 ^= mixed(view.getUint32(at, true), c1, 15, c2)
    h1 = Math.imul((rotated(h1, 19) + h2) | 0, 5) + 0x561ccd1b
    h2 ^= mixed(view.getUint32(at + 4, true), c2, 16, c3)
    h2 = Math.imul((rotated(h2, 17) + h3) | 0, 5) + 0x0bcaa747
    h3 ^= mixed(view.getUint32(at + 8, true), c3, 17, c4)
    h3 = Math.imul((rotated(h3, 15) + h4) | 0, 5) + 0x96cd1c35
    h4 ^= mixed(view.getUint32(at + 12, true), c4, 18, c1)
    h4 = Math.imul((rotated(h4, 13) + h1) | 0, 5) + 0x32ac3b17
  }
  if (size > whole) h1 ^= mixed(word(bytes, whole, size), c1, 15, c2)
  if (size > whole + 4) h2 ^= mixed(word(bytes, whole + 4, size), c2, 16, c3)
  if (size > whole + 8) h3 ^= mixed(word(bytes, whole + 8, size), c3, 17, c4)
  if (size > whole + 12) h4 ^= mixed(word(bytes, whole + 12, size), c4, 18, c1)
  return finish(h1 ^ size, h2 ^ size, h3 ^ size, h4 ^ size)
}

function finish(h1: number, h2: number, h3: number, h4: number): Hash {
  const sum = (h1 + h2 + h3 + h4) | 0
  const a = avalanche(sum)
  const b = avalanche((h2 + sum) | 0)
  const rest = (avalanche((h3 + sum) | 0) + avalanche((h4 + sum) | 0)) | 0
  hash.high = (a + b + rest) >>> 0
  hash.low = (b + hash.high) >>> 0
  return hash
}

/** Up to four bytes of the end. */
function word(bytes: Uint8Array, from: number, size: number): number {
  let value = 0
  for (let at = Math.min(from + 4, size); at-- > from;) value = (value << 8) | (bytes[at] as number)
  return value
}

function mixed(word: number, a: number, turn: number, b: number): number {
  return Math.imul(rotated(Math.imul(word, a), turn), b)
}

function rotated(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by))
}

function avalanche(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
