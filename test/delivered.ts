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
    exact: counted.to(exactSink(join(dir, "exact"))),
    latest: counted.to(latestSink(join(dir, "latest"))),
  }
}

const textOf = (results: readonly Counted[]) =>
  results.map(({ n, count }) => `${n} ${count};\n`).join("")

/** Whole lines only: a process may have died in the middle of one. */
const linesOf = (text: string): Counted[] =>
  Array.from(text.matchAll(/^(\d+) (\d+);$/gm), ([, n, count]) => {
    return { n: Number(n), count: Number(count) }
  })

function exactSink(dir: string): ExactlyOnceSink<Counted, null> {
  let written: Counted[] = []
  mkdirSync(dir, { recursive: true })
  const path = (epoch: number, end: string) => join(dir, `${epoch}.${end}`)
  return {
    delivery: "exactly-once",
    write: (results) => void written.push(...results),
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
    put: (latest) => appendFileSync(path, `\n${textOf([...latest.values()])}`),
  })

/** What the sinks have, read on from time to time; what was read is thrown away. */
export class Delivered {
  readonly #dir: string
  /** All results of the exactly-once sink were as they must be: so many. */
  exact = 0
  /** By key. */
  readonly latest = new Map<number, Counted>()

  constructor(dir: string) {
    this.#dir = dir
  }

  /** Throws if the exactly-once sink has a result twice, or not at all, or a wrong one. */
  read(): void {
    const dir = join(this.#dir, "exact")
    const committed = readdirSync(dir).filter((name) => name.endsWith(".committed"))
    const epochs = committed.map((name) => Number.parseInt(name)).sort((a, b) => a - b)
    for (const epoch of epochs) {
      const path = join(dir, `${epoch}.committed`)
      for (const { n, count } of linesOf(readFileSync(path, "utf8"))) {
        const wanted = countedAt(this.exact)
        if (n !== wanted.n || count !== wanted.count) {
          throw new Error(`exactly-once: ${n} ${count} in place of ${wanted.n} ${wanted.count}`)
        }
        this.exact++
      }
      if (epoch === epochs.at(-1))
        writeFileSync(path, "") // The sink is asked for it once more.
      else rmSync(path)
    }
    const path = join(this.#dir, "latest")
    if (!existsSync(path)) return
    for (const result of linesOf(readFileSync(path, "utf8"))) {
      this.latest.set(result.n % keys, result)
    }
    rmSync(path)
  }
}
