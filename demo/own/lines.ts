/**
 * From bytes to events: lines, their JSON, and what is wrong with them.
 */
import type { KeyValue } from "millrace"

/** What the command line asks for; `key` and `time` are paths such as `user.id`. */
export interface Options {
  key: string
  time?: string | undefined
  file?: string | undefined
}

/** What is needed of a line. */
export interface Event {
  key: KeyValue
  /** Milliseconds since 1970, or null if no TIME is named. */
  time: number | null
}

/** A line of input: its number, from 1, and its bytes; undefined when it is too long to keep. */
export interface Line {
  number: number
  bytes: Uint8Array | undefined
}

const newline = 10
const lineBytesMax = 2 ** 24
const keyBytesMax = 60_000

/** How many bad lines are shown one by one. */
const shownMax = 10

/** The lines of a stream of bytes, however it is cut into chunks. */
export async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let number = 0
  let line = new Unfinished()
  for await (const chunk of input) {
    let from = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      yield { number: ++number, bytes: line.endWith(chunk.subarray(from, end)) }
      line = new Unfinished()
      from = end + 1
    }
    line.add(chunk.subarray(from))
  }
  if (line.size > 0) yield { number: number + 1, bytes: line.endWith(new Uint8Array()) }
}

/** The line that is being read; it keeps its bytes only while they are few enough. */
class Unfinished {
  size = 0
  #parts: Uint8Array[] = []

  add(part: Uint8Array): void {
    this.size += part.length
    if (this.size > lineBytesMax) this.#parts = []
    else if (part.length > 0) this.#parts.push(part)
  }

  endWith(last: Uint8Array): Uint8Array | undefined {
    if (this.size === 0) return last
    this.add(last)
    return this.size > lineBytesMax ? undefined : Buffer.concat(this.#parts)
  }
}

/** The events of the lines that are good; the others go to `bad`. Empty lines are skipped. */
export async function* eventsOf(
  lines: AsyncIterable<Line>,
  options: Options,
  bad: BadLines,
): AsyncGenerator<Event> {
  const decoder = new TextDecoder("utf-8", { fatal: true })
  for await (const { number, bytes } of lines) {
    try {
      if (bytes === undefined) throw new Error(`longer than ${lineBytesMax} bytes`)
      const text = decoder.decode(bytes)
      if (text.trim() !== "") yield eventOf(JSON.parse(text), options)
    } catch (error) {
      bad.add(number, error)
    }
  }
}

function eventOf(value: unknown, { key, time }: Options): Event {
  return {
    key: keyOf(fieldOf(value, key), key),
    time: time === undefined ? null : timeOf(fieldOf(value, time), time),
  }
}

function fieldOf(value: unknown, path: string): unknown {
  let found = value
  for (const step of path.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, step)) {
      throw new Error(`there is no ${path}`)
    }
    found = (found as Record<string, unknown>)[step]
  }
  return found
}

function keyOf(value: unknown, path: string): KeyValue {
  if (typeof value === "object" && value !== null) {
    throw new Error(`${path} is ${Array.isArray(value) ? "an array" : "an object"}, not a key`)
  }
  if (typeof value === "string" && /\p{Surrogate}/u.test(value)) {
    throw new Error(`${path} is half a character (a lone surrogate)`)
  }
  if (typeof value === "string" && Buffer.byteLength(value) > keyBytesMax) {
    throw new Error(`${path} is longer than ${keyBytesMax} bytes`)
  }
  return value as KeyValue
}

function timeOf(value: unknown, path: string): number {
  const time = typeof value === "string" ? Date.parse(value) : value
  if (typeof time === "number" && Math.abs(time) <= 8.64e15) return time
  throw new Error(`${path} is not a time: ${JSON.stringify(value).slice(0, 40)}`)
}

/** Lines that were left out: the first few in words, the rest as a number. */
export class BadLines {
  #count = 0
  readonly #shown: string[] = []

  add(line: number, error: unknown): void {
    this.#count += 1
    if (this.#shown.length === shownMax) return
    const reason = error instanceof Error ? error.message : String(error)
    this.#shown.push(`line ${line}: ${reason.replaceAll(/\p{Cc}/gu, "?")}`)
  }

  /** Say on stderr which lines were left out, if any. */
  print(): void {
    for (const line of this.#shown) console.error(line)
    const more = this.#count - this.#shown.length
    if (more > 0) console.error(`and ${more} more`)
    if (this.#count === 0) return
    const lines = this.#count === 1 ? "line was" : "lines were"
    console.error(`${this.#count} bad ${lines} left out`)
  }
}
