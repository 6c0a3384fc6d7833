/**
 * Counting the reader's own data: what is good is counted, what is not is named by its line.
 */
import { spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { linesOf } from "../demo/own/lines.ts"

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-own-"))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function fileOf(text: string): Promise<string> {
  const file = join(directory, "events.ndjson")
  await writeFile(file, text)
  return file
}

function own(flags: string[], stdin = "") {
  const args = ["--import", "tsx", path("../demo/own/main.ts"), ...flags]
  return new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = spawn(process.execPath, args, { cwd: path("..") })
    let [stdout, stderr] = ["", ""]
    child.stdout.on("data", (text) => (stdout += String(text)))
    child.stderr.on("data", (text) => (stderr += String(text)))
    child.stdin.on("error", () => undefined) // It may have ended before it has read everything.
    child.stdin.end(stdin)
    child.on("close", (status) => resolve({ status, stdout, stderr }))
  })
}

/** The cells of a table's line, without its frame. */
const cells = (stdout: string, key: string) =>
  stdout
    .split("\n")
    .map((line) =>
      line
        .split("│")
        .map((cell) => cell.trim())
        .slice(1, -1),
    )
    .find(([first]) => first === key)

const lines = (...events: unknown[]) => events.map((event) => JSON.stringify(event)).join("\n")

describe("make own", () => {
  it("counts events per key, from a file", async () => {
    const user = (id: unknown) => ({ user: { id } })
    const file = await fileOf(lines(user("ann"), user("bob"), user("ann"), user(1), user("1")))
    const { status, stdout, stderr } = await own(["--file", file, "--key", "user.id"])
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" })
    expect(cells(stdout, "ann")).toEqual(["ann", "2", "█".repeat(30)])
    expect(cells(stdout, "bob")).toEqual(["bob", "1", "█".repeat(15)])
    expect(stdout).toMatch(/^5 events, 4 keys, [\d,]+ bytes of state$/m)
  })

  it("reads stdin, and shows the first and last time of each key", async () => {
    const input = lines(
      { k: "a", ts: "2024-01-02T00:00:00Z" },
      { k: "a", ts: Date.UTC(2024, 0, 1) },
      { k: "a", ts: "2024-01-03T00:00:00Z" },
    )
    const { status, stdout } = await own(["--key", "k", "--time", "ts"], `${input}\n`)
    expect(status).toBe(0)
    expect(cells(stdout, "a")?.slice(3)).toEqual([
      "2024-01-01T00:00:00.000Z",
      "2024-01-03T00:00:00.000Z",
    ])
  })

  it("reports lines that are no use by their number, and counts the others", async () => {
    const input = [
      '{"k":"a","ts":1}',
      "not JSON",
      "",
      '{"other":"a","ts":1}',
      '{"k":{"deep":1},"ts":1}',
      '{"k":"a","ts":"soon"}',
      '{"k":"\\ud800","ts":1}',
      '{"k":"a","ts":2}',
    ]
    const { status, stdout, stderr } = await own(["--key", "k", "--time", "ts"], input.join("\r\n"))
    expect(status).toBe(0)
    expect(stdout).toContain("2 events, 1 keys")
    expect(stderr.trim().split("\n")).toEqual([
      expect.stringMatching(/^line 2: .*not valid JSON/) as string,
      "line 4: there is no k",
      "line 5: k is an object, not a key",
      'line 6: ts is not a time: "soon"',
      "line 7: k is half a character (a lone surrogate)",
      "5 bad lines were left out",
    ])
  })

  it("shows ten bad lines, and how many more there are", async () => {
    const { status, stderr } = await own(["--key", "k"], "{}\n".repeat(25))
    expect(status).toBe(0)
    expect(stderr.match(/^line \d+: there is no k$/gm)).toHaveLength(10)
    expect(stderr).toContain("and 15 more\n25 bad lines were left out\n")
  })

  it("shows the twenty largest keys of many", async () => {
    const events = Array.from({ length: 300 }, (_, index) => ({ k: `key-${index % 24}` }))
    const { stdout } = await own(["--key", "k"], lines(...events))
    expect(stdout.match(/key-\d+/g)).toHaveLength(20)
    expect(cells(stdout, "key-0")?.[1]).toBe("13")
    expect(stdout).toContain("300 events, 24 keys")
  })

  it("refuses a missing key with exit code 2, and a missing file with 1", async () => {
    const noKey = await own([])
    expect(noKey.status).toBe(2)
    expect(noKey.stderr).toContain("KEY is missing")
    const noFile = await own(["--key", "k", "--file", join(directory, "none")])
    expect(noFile.status).toBe(1)
    expect(noFile.stderr).toContain("ENOENT")
  })
})

describe("linesOf", () => {
  const text = "one\n\ntwö\r\nlast"
  const expected = ["1 one", "2 ", "3 twö\r", "4 last"]

  it.each([1, 2, 3, 5, 100])("cuts lines out of chunks of %i bytes", async (size) => {
    const bytes = new TextEncoder().encode(text)
    async function* chunks() {
      for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
    }
    const found: string[] = []
    for await (const { number, bytes } of linesOf(chunks())) {
      found.push(`${number} ${new TextDecoder().decode(bytes)}`)
    }
    expect(found).toEqual(expected)
  })

  it("gives up the bytes of a line that is too long, and goes on after it", async () => {
    async function* chunks() {
      for (let mebibyte = 0; mebibyte < 17; mebibyte++) yield new Uint8Array(2 ** 20).fill(120)
      yield new TextEncoder().encode("\nnext\n")
    }
    const sizes: unknown[] = []
    for await (const { number, bytes } of linesOf(chunks())) sizes.push([number, bytes?.length])
    expect(sizes).toEqual([
      [1, undefined],
      [2, 4],
    ])
  })
})
