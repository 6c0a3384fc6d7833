/**
 * Sinks on files for the test that kills, and the streams that fill them: each number goes to both.
 *
 *   <dir>/exact/<epoch>.prepared   lines of an epoch; renamed when it is committed
 *   <dir>/latest                   a line for each result, of which the last of a key counts
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs"
import { renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { from, upsertSink } from "../js/index.ts"
import type { ExactlyOnceSink } from "../js/index.ts"
import { folded, keys, numbersUpto } from "./endless.ts"

/** What is known of a number: which one it is of its key, from 1. */
export interface Counted {
  readonly n: number
  readonly count: number
}

export const countedAt = (n: number): Counted => ({ n, count: Math.floor(n / keys) + 1 })

/** What the job has: its counts by key, and the same results in both sinks. */
export function delivered(dir: string, upto?: number) {
  const numbers = from(numbersUpto(upto))
  const counted = numbers
    .keyBy((n) => n % keys)
    .map((n, state) => ({ n, count: state.update((count) => count + 1) }), {
      uid: "counted",
      state: { value: () => 0 },
    })
  return {
    counts: folded(numbers),
    exact: counted.to(exactSink(join(dir, "exact"), lineOf)),
    latest: counted.to(latestSink(join(dir, "latest"))),
  }
}

/** A result as its line has it. */
export type Line = readonly [number, number]

const lineOf = ({ n, count }: Counted): Line => [n, count]

const textOf = (lines: readonly Line[]) => lines.map(([a, b]) => `${a} ${b};\n`).join("")

/** Whole lines only: a process may have died in the middle of one. */
const linesOf = (text: string): Line[] =>
  Array.from(text.matchAll(/^(\d+) (\d+);$/gm), ([, a, b]) => [Number(a), Number(b)])

/** A line for each result; see {@link Exact}. */
export function exactSink<Result>(
  dir: string,
  line: (result: Result) => Line,
): ExactlyOnceSink<Result, null> {
  let written: Line[] = []
  mkdirSync(dir, { recursive: true })
  const path = (epoch: number, end: string) => join(dir, `${epoch}.${end}`)
  return {
    delivery: "exactly-once",
    write: (results) => void written.push(...results.map(line)),
    prepare(epoch) {
      writeFileSync(path(epoch, "new"), textOf(written))
      renameSync(path(epoch, "new"), path(epoch, "prepared"))
      written = []
      return null
    },
    commit(epoch) {
      const prepared = existsSync(path(epoch, "prepared"))
      if (prepared) renameSync(path(epoch, "prepared"), path(epoch, "committed"))
      else if (!existsSync(path(epoch, "committed"))) throw new Error(`${epoch} is not prepared`)
    },
    rollback(epoch) {
      written = []
      for (const name of readdirSync(dir)) {
        if (!name.endsWith(".committed")) {
          if (Number.parseInt(name) > epoch) rmSync(join(dir, name))
        } else if (Number.parseInt(name) > epoch) throw new Error(`${name} is after ${epoch}`)
      }
    },
  }
}

const latestSink = (path: string) =>
  upsertSink<Counted>({
    key: ({ n }) => String(n % keys),
    put: (latest) => appendFileSync(path, `\n${textOf(Array.from(latest.values(), lineOf))}`),
  })

/** What an exactly-once sink has, read on from time to time; what was read is thrown away. */
export class Exact {
  readonly #dir: string
  readonly #wantedAt: (index: number) => Line
  /** All results were as they must be: so many. */
  size = 0

  constructor(dir: string, wantedAt: (index: number) => Line) {
    this.#dir = dir
    this.#wantedAt = wantedAt
  }

  /** Throws if the sink has a result twice, or not at all, or a wrong one. */
  read(): void {
    const committed = readdirSync(this.#dir).filter((name) => name.endsWith(".committed"))
    const epochs = committed.map((name) => Number.parseInt(name)).sort((a, b) => a - b)
    for (const epoch of epochs) {
      const path = join(this.#dir, `${epoch}.committed`)
      for (const line of linesOf(readFileSync(path, "utf8"))) {
        const wanted = this.#wantedAt(this.size)
        if (line[0] !== wanted[0] || line[1] !== wanted[1]) {
          const [is, expected] = [line.join(" "), wanted.join(" ")]
          throw new Error(`exactly-once: ${is} in place of ${expected} in ${this.#dir}`)
        }
        this.size++
      }
      if (epoch === epochs.at(-1))
        writeFileSync(path, "") // The sink is asked for it once more.
      else rmSync(path)
    }
  }
}

/** What the sinks have, read on from time to time; what was read is thrown away. */
export class Delivered {
  readonly #dir: string
  readonly #exact: Exact
  /** By key. */
  readonly latest = new Map<number, Counted>()

  constructor(dir: string) {
    this.#dir = dir
    this.#exact = new Exact(join(dir, "exact"), (n) => lineOf(countedAt(n)))
  }

  /** All results of the exactly-once sink were as they must be: so many. */
  get exact(): number {
    return this.#exact.size
  }

  /** Throws if the exactly-once sink has a result twice, or not at all, or a wrong one. */
  read(): void {
    this.#exact.read()
    const path = join(this.#dir, "latest")
    if (!existsSync(path)) return
    for (const [n, count] of linesOf(readFileSync(path, "utf8"))) {
      this.latest.set(n % keys, { n, count })
    }
    rmSync(path)
  }
}
