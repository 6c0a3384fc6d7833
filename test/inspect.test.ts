import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { runCommand } from "../js/entry/command.ts"
import { encrypted } from "../js/storage/encrypted.ts"
import { fileStorage } from "../js/storage/file.ts"
import { from, run } from "../js/index.ts"
import type { StateStorage } from "../js/index.ts"

const golden = (name: string) => fileURLToPath(new URL(`golden/${name}`, import.meta.url))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-inspect-"))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** What a command prints, what it complains of, and how it ends. */
async function inspect(...args: string[]) {
  let [printed, complaint] = ["", ""]
  const code = await runCommand(["inspect", ...args], {
    columns: 90,
    print: (text) => void (printed += text.replaceAll(folder, "…")),
    complain: (text) => void (complaint += text.replaceAll(folder, "…")),
  })
  return { code, printed, complaint }
}

const json = async (...args: string[]) =>
  JSON.parse((await inspect(...args, "--json")).printed) as unknown

/** A text of several lines. */
const lines = (...all: string[]) => `${all.join("\n")}\n`

describe("inspect, of a savepoint", () => {
  const states = [
    ...["fold-1", "fold-2", "reduce-1", "aggregate-1", "deduplicate-1", "throttle-1", "window-1"],
    ...["window-2/windows", "window-2/numbers", "session-1", "process-1/list", "process-1/map"],
    ...["process-1/@event-timers", "process-1/@processing-timers"],
  ]

  it("prints all that is in it, and the rows of every state", async () => {
    await cp(golden("savepoint-1.bin"), join(folder, "state.bin"))
    let all = ""
    for (const rows of [[], ...states.map((state) => ["--state", state, "--limit", "3"])]) {
      const { code, printed } = await inspect(join(folder, "state.bin"), ...rows)
      expect(code).toBe(0)
      expect(printed.split("\n").filter((line) => line.length > 90)).toEqual([])
      all += printed
    }
    expect(all).toBe(await readFile(golden("inspect-savepoint-1.txt"), "utf8"))
  })

  it("prints the rows of one key", async () => {
    const rows = ["--state", "process-1/map", "--key=-0.5", "--limit", "2"]
    expect((await inspect(golden("savepoint-1.bin"), ...rows)).printed).toContain(
      lines(
        "process-1/map: the first 2 of 6 rows",
        "key   entry  value",
        "────  ─────  ──────────────────────────",
        '-0.5  3      "1970-01-01T00:00:00.018Z"',
        '-0.5  1      "1970-01-01T00:00:00.063Z"',
      ),
    )
  })

  it("gives the same as one object of JSON", async () => {
    const all = (await json(golden("savepoint-1.bin"), "--state", "fold-2", "--key", "7")) as {
      flow: { sequence: number; states: { path: string; rows: number; timers: number }[] }
      shown: unknown
    }
    expect(all.flow.sequence).toBe(40)
    expect(all.flow.states.map(({ path }) => path)).toEqual(states)
    expect(all.flow.states.map(({ rows }) => rows)).toEqual([
      ...[6, 6, 4, 6, 5, 6, 5, 4, 1, 4, 15, 28, 6, 40],
    ])
    const value = { n: 13, s: "020.51.590", at: 111 }
    expect(all.shown).toEqual({ path: "fold-2", rows: [{ key: 7, value }], count: 1 })
  })

  it("prints no key and no value unless a state is asked for", async () => {
    const { printed } = await inspect(golden("savepoint-1.bin"))
    expect(printed).not.toMatch(/ünï|__proto__/)
  })

  it("says where it is damaged, and what is before that", async () => {
    const bytes = await readFile(golden("savepoint-1.bin"))
    bytes[3000] = (bytes[3000] as number) ^ 1
    const file = join(folder, "damaged.bin")
    await writeFile(file, bytes)
    const { code, printed } = await inspect(file)
    expect(code).toBe(1)
    expect(printed).toMatch(/^deduplicate-1 +deduplicate +ttl +5 +151 B$/m)
    expect(printed.slice(printed.indexOf("\nCORRUPT"))).toBe(
      lines(
        "",
        "CORRUPT …/damaged.bin: the savepoint is damaged or not whole, in the part at byte 2639",
      ),
    )
    await writeFile(file, bytes.subarray(0, 2000))
    expect(await inspect(file)).toMatchObject({
      code: 1,
      printed: expect.stringContaining("not whole, which ends at byte 2000") as string,
    })
  })

  it("refuses a file that is none, one that is not there, and a newer one", async () => {
    const file = join(folder, "file")
    await writeFile(file, "This is no savepoint, but some text.")
    const refused = async (...args: string[]) => {
      const { code, printed, complaint } = await inspect(...args)
      expect([code, printed]).toEqual([2, ""])
      return complaint
    }
    expect(await refused(file)).toBe("millrace: CORRUPT: these bytes are no savepoint\n")
    expect(await refused(`${file}s`)).toBe("millrace: OPTION: there is no …/files\n")
    expect(await refused(folder)).toBe("millrace: FOREIGN: … holds files that are not Millrace's\n")
    expect(await refused(golden("savepoint-1.bin"), "--state", "fold-9")).toMatch(
      /^millrace: OPTION: no state fold-9; there are fold-1, fold-2, /,
    )
    expect(await refused(file, "--key", "7")).toMatch(/OPTION: --key is of a state/)
    expect(await refused(file, "--state", "a", "--key", "ada")).toMatch(/takes a key as JSON/)
    expect(await refused(file, "--state", "a", "--limit", "x")).toMatch(/takes a whole number/)
    expect(await refused(file, "--job", "a")).toMatch(/--job is of a folder/)
    expect(await refused(file, "--all")).toMatch(/Unknown option '--all'/)
    expect(await refused()).toMatch(/^Usage: millrace inspect PATH/)
    expect((await inspect("--help")).printed).toMatch(/^Usage: millrace inspect PATH/)
  })
})

describe("inspect, of a folder of state", () => {
  const events = Array.from({ length: 12 }, (_, n) => ({ id: n % 3, n, at: 1_700_000_000_000 + n }))
  const sums = from(events, { time: "at" })
    .keyBy("id")
    .fold(
      () => ({ sum: 0 }),
      ({ sum }, { n }) => ({ sum: sum + n }),
      { uid: "sums" },
    )

  /** Two checkpoints of a job, and the job, which is still open. */
  async function started(storage: StateStorage = fileStorage(folder)) {
    const job = await run(sums, { storage, chunkSize: 1 })
    const results = job[Symbol.asyncIterator]()
    for (const count of [4, 4]) {
      for (let i = 0; i < count; i++) await results.next()
      const taken = job.checkpoint()
      void results.next()
      await taken
    }
    return job
  }

  /** All files with what they hold and when they were changed. */
  async function contents(): Promise<unknown[]> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    const files = entries.map(({ parentPath, name }) => join(parentPath, name)).sort()
    return Promise.all(
      files.map(async (file) => {
        const { mtimeMs, size } = await stat(file)
        return { file, mtimeMs, size }
      }),
    )
  }

  it("prints jobs, checkpoints and states, whoever has the lock, and changes nothing", async () => {
    const job = await started()
    const before = await contents()
    const { code, printed, complaint } = await inspect(folder)
    expect(await contents()).toEqual(before)
    await job.close()
    expect([code, complaint]).toEqual([0, ""])
    expect(printed.replace(/\d+, which/, "<pid>, which")).toBe(
      await readFile(golden("inspect-folder.txt"), "utf8"),
    )
  })

  it("prints rows of the newest checkpoint that is whole", async () => {
    await (await started()).close()
    const shown = await inspect(folder, "--state", "sums", "--job", "job")
    expect(shown).toEqual({
      code: 0,
      complaint: "",
      printed: lines(
        "…: a folder of state, 5 files, 866 B",
        "",
        "job job",
        "",
        "sums: 3 rows",
        "key  value",
        "───  ──────────",
        '0    {"sum":9}',
        '1    {"sum":12}',
        '2    {"sum":15}',
      ),
    })
    expect((await inspect(folder, "--job", "jobs")).complaint).toBe(
      "millrace: OPTION: no job jobs; there are job\n",
    )
  })

  it.each([
    ["segment", "its checksum is another"],
    ["manifest", "the manifest of checkpoint 2 is damaged"],
  ])("tells a damaged %s from the rest, and goes on to the one before", async (what, why) => {
    await (await started()).close()
    const files = (await readdir(join(folder, "job", what))).filter((name) => name !== "~owner")
    const file = join(folder, "job", what, files.at(-1) as string)
    const bytes = await readFile(file)
    bytes[40] = (bytes[40] as number) ^ 1
    await writeFile(file, bytes)
    expect(await inspect(folder)).toMatchObject({ code: 1 })
    expect(await json(folder)).toMatchObject({
      jobs: [
        {
          epoch: 1,
          checkpoints: [
            { epoch: 2, whole: false },
            { epoch: 1, whole: true },
          ],
        },
      ],
      damage: [{ what: `job/${what}/${files.at(-1) as string}`, why }],
    })
    await rm(file)
    if (what === "segment") {
      expect(await json(folder)).toMatchObject({ damage: [{ why: "it is missing" }] })
    }
  })

  it("knows state that is encrypted, and what an interrupted job left", async () => {
    await (await started(encrypted(fileStorage(folder), new Uint8Array(32)))).close()
    await writeFile(join(folder, "job", "segment", "000000000009-1-0"), "half a segm")
    const report = (await json(folder)) as { damage: { why: string }[]; leftOver: number }
    expect(report.damage.map(({ why }) => why)).toEqual([
      "the manifest of checkpoint 2 is damaged; state of encrypted() cannot be looked at",
      "the manifest of checkpoint 1 is damaged; state of encrypted() cannot be looked at",
    ])
    expect(report.leftOver).toBe(3)
  })

  it("counts segments that are in an operator's own storage, and those of others", async () => {
    const own = join(folder, "own")
    const counted = from(events)
      .keyBy("id")
      .map((_, state) => state.update(() => 1), {
        uid: "counts",
        state: { value: () => 0, storage: fileStorage(own) },
      })
    const job = await run(counted, { storage: fileStorage(join(folder, "job")) })
    await job.finished()
    await job.close()
    const report = await inspect(join(folder, "job"))
    expect(report.code).toBe(0)
    expect(report.printed).toMatch(/\nin storages of their own: 1 segment\n$/)
    expect((await inspect(own)).printed).toMatch(
      /, 1 file, .*\nof jobs with checkpoints elsewhere: 1 file\nthere are no checkpoints\n$/,
    )
  })

  it("says of an empty folder that there is nothing in it", async () => {
    expect((await inspect(folder)).printed).toBe(
      lines("…: a folder of state, 0 files, 0 B", "there are no checkpoints"),
    )
  })
})
