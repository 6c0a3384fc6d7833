/**
 * Input for the measurements: the same on every machine, and made outside the timer.
 *
 * A string that has been a key of a `Map` keeps its hash, so a second look-up of the very same
 * string object is cheaper than the first. Events that come in from a socket or a file do not have
 * that luck: their strings are new. {@link freshStrings} makes such strings;
 * {@link internedStrings} makes the lucky ones, one object per key.
 */

/** An event of the measurements; `value` is whole, so that sums are exact in any order. */
export interface Event {
  key: string
  value: number
}

/** The generator mulberry32: numbers from 0 to below 1, the same for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** `count` key numbers from 0 to below `keys`, each as likely as the others. */
export function uniform(keys: number, count: number, seed = 1): Uint32Array {
  const next = random(seed)
  return Uint32Array.from({ length: count }, () => Math.floor(next() * keys))
}

/** `count` key numbers by Zipf's law (exponent 1); which keys are frequent is shuffled. */
export function zipf(keys: number, count: number, seed = 1): Uint32Array {
  const next = random(seed)
  const upto = new Float64Array(keys)
  let total = 0
  for (let rank = 0; rank < keys; rank++) upto[rank] = total += 1 / (rank + 1)
  const keyOfRank = shuffled(keys, next)
  return Uint32Array.from({ length: count }, () => keyOfRank[rankOf(upto, next() * total)]!)
}

function rankOf(upto: Float64Array, point: number): number {
  let [low, high] = [0, upto.length - 1]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (upto[middle]! <= point) low = middle + 1
    else high = middle
  }
  return low
}

function shuffled(size: number, next: () => number): Uint32Array {
  const order = Uint32Array.from({ length: size }, (_, index) => index)
  for (let last = size - 1; last > 0; last--) {
    const other = Math.floor(next() * (last + 1))
    ;[order[last], order[other]] = [order[other]!, order[last]!]
  }
  return order
}

/**
 * How many events a job gets that is only held open: enough for its code to be compiled, and so
 * few that its input in the heap is no burden to what is measured beside it.
 */
export const heldEvents = 50_000

/** The length of every key text, as characters and as bytes. */
export const keyLength = 8

/** `k0001234`: eight bytes for every key number below ten million. */
export function keyText(number: number): string {
  return `k${String(number).padStart(keyLength - 1, "0")}`
}

/** The key number of a {@link keyText}. */
export function keyNumber(text: string): number {
  return Number(text.slice(1))
}

/** Write the {@link keyText} of a number at `at`. */
export function putKeyText(bytes: Uint8Array, at: number, number: number): void {
  bytes[at] = 107
  for (let digit = at + keyLength - 1; digit > at; digit--) {
    bytes[digit] = 48 + (number % 10)
    number = Math.floor(number / 10)
  }
}

/** The {@link keyText} of every number, each a new string whose hash nobody has asked for. */
export function freshStrings(numbers: ArrayLike<number>): string[] {
  const bytes = Buffer.alloc(numbers.length * keyLength)
  const strings = new Array<string>(numbers.length)
  for (let index = 0; index < numbers.length; index++) {
    const start = index * keyLength
    putKeyText(bytes, start, numbers[index]!)
    strings[index] = bytes.toString("latin1", start, start + keyLength)
  }
  return strings
}

/** The {@link keyText} of every number, the same object for the same number. */
export function internedStrings(numbers: Uint32Array): string[] {
  const known = new Map<number, string>()
  return Array.from(numbers, (number) => {
    const text = known.get(number) ?? keyText(number)
    known.set(number, text)
    return text
  })
}

/** One event per key string; values go round from 0 to 999. */
export function eventsOf(keys: readonly string[]): Event[] {
  return keys.map((key, index) => ({ key, value: index % 1000 }))
}

/** An array in slices, as sources hand events out. */
export async function* chunksOf<Item>(items: readonly Item[], size = 1024) {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size)
}

/** What any way of counting and summing per key must agree on, whatever its order of keys. */
export class Digest {
  keys = 0
  count = 0
  sum = 0
  /** Every key's figures in a sum that notices when two keys are mixed up. */
  mixed = 0

  add(key: string, count: number, sum: number): void {
    this.keys += 1
    this.count += count
    this.sum += sum
    this.mixed += (keyNumber(key) % 1009) * count + (keyNumber(key) % 997) * sum
  }
}
