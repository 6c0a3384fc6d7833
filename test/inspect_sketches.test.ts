/** Sketches as `millrace inspect` shows them: by what they give, not by their bytes. */
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { runCommand } from "../js/entry/command.ts"
import { middle, sketchResults } from "./golden/sketches.ts"

const golden = fileURLToPath(new URL("golden/sketches-1.bin", import.meta.url))

interface Shown {
  readonly shown: { readonly rows: readonly { readonly key: string; readonly value: unknown }[] }
}

async function rowsOf(state: string) {
  let printed = ""
  const print = (text: string) => void (printed += text)
  const args = ["inspect", golden, "--state", state, "--limit", "9", "--json"]
  expect(await runCommand(args, { columns: 90, print, complain: print })).toBe(0)
  return (JSON.parse(printed) as Shown).shown.rows
}

describe("sketches, inspected", () => {
  it("are what they give, without windows", async () => {
    const { all = [] } = await sketchResults({}, middle)
    const rows = await rowsOf("aggregate-1/values")
    expect(rows.map(({ key }) => key).sort()).toEqual(["a", "b", "c"])
    for (const { key, value } of rows) {
      const last = all.filter((row) => (row as { key: string }).key === key).at(-1)
      const { users, few } = last as Record<string, unknown>
      const shown = value as Record<string, unknown>
      expect(shown).toMatchObject({ users, few })
      expect(Object.keys(shown)).toEqual(["users", "few", "quantiles", "top", "mean", "some"])
      expect(shown["some"]).toHaveLength(4)
      expect(shown["quantiles"]).toEqual({
        count: expect.any(Number) as number,
        p0: expect.anything() as unknown,
        p50: expect.any(Number) as number,
        p95: expect.any(Number) as number,
        p100: expect.anything() as unknown,
      })
    }
  })

  it("are what they give slice by slice, where windows share slices", async () => {
    for (const { value } of await rowsOf("window-1/values")) {
      const slices = value as { start: number; users: number }[]
      expect(slices.length).toBeGreaterThan(2)
      expect(slices.map(({ start }) => start)).toEqual(
        slices.map(({ start }) => start).sort((a, b) => a - b),
      )
      for (const { users } of slices) expect(users).toBeGreaterThan(0)
    }
  })
})
