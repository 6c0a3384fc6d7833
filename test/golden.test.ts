import { readdir, readFile } from "node:fs/promises"
import { describe, expect, it } from "vitest"
import { savepointFormat } from "../js/savepoint_format.ts"
import { resultsBefore, resultsFrom, savepointInTheMiddle } from "./golden/program.ts"
import { middle, sketchesInTheMiddle, sketchResults } from "./golden/sketches.ts"

const folder = new URL("golden/", import.meta.url)
const files = (await readdir(folder)).filter((name) => /^savepoint-.*\.bin$/.test(name))

describe("golden savepoints", () => {
  it.each(files)("%s goes on as if nothing had been", async (name) => {
    const [whole, before] = [await resultsFrom(), await resultsBefore()]
    const rest = await resultsFrom({ from: await readFile(new URL(name, folder)) })
    const sizes = Object.entries(before).map(([output, rows]) => [output, rows.length] as const)
    expect(Math.min(...sizes.map(([, size]) => size))).toBeGreaterThan(0)
    for (const [output, size] of sizes) {
      expect([output, before[output]]).toEqual([output, whole[output]?.slice(0, size)])
      expect([output, rest[output]]).toEqual([output, whole[output]?.slice(size)])
    }
  })

  // On every build of the module, in every runtime.
  it.each([1, 7, 1024])("are the same bytes once more, in chunks of %i", async (chunkSize) => {
    const golden = await readFile(new URL(`savepoint-${savepointFormat}.bin`, folder))
    expect(Buffer.from(await savepointInTheMiddle({ chunkSize })).equals(golden)).toBe(true)
  })
})

describe("the golden savepoint of sketches", () => {
  const golden = () => readFile(new URL("sketches-1.bin", folder))

  it("goes on as if nothing had been", async () => {
    const [whole, before] = [await sketchResults(), await sketchResults({}, middle)]
    const rest = await sketchResults({ from: await golden() })
    for (const [output, rows] of Object.entries(before)) {
      expect(rows.length).toBeGreaterThan(0)
      expect([output, ...rows, ...(rest[output] ?? [])]).toEqual([output, ...(whole[output] ?? [])])
    }
  })

  // On every build of the module, in every runtime.
  it.each([1, 7, 1024])("is the same bytes once more, in chunks of %i", async (chunkSize) => {
    const bytes = await sketchesInTheMiddle({ chunkSize })
    expect(Buffer.from(bytes).equals(await golden())).toBe(true)
  })
})
