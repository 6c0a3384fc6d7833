import { spawn } from "node:child_process"
import { once } from "node:events"
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, describe, expect, it } from "vitest"
import { MillraceError } from "../js/errors.ts"
import { filesBelow } from "../js/storage/disk.ts"
import { fileStorage } from "../js/storage/file.ts"
import type { StateStorage } from "../js/storage/storage.ts"
import { testStorage } from "./contract/storage.ts"
import { refusal, refusalLater } from "./refusal.ts"

const bytes = (...values: number[]) => Uint8Array.from(values)

/** What a test opened, to be closed and removed after it. */
const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "millrace-test-"))
  cleanups.push(() => rm(dir, { recursive: true, force: true }))
  return dir
}

function open(dir: string) {
  const storage = fileStorage(dir)
  cleanups.push(() => storage.close())
  return storage
}

/** The folder of each storage that the contract made, for opening another over it. */
const folders = new WeakMap<StateStorage, string>()

testStorage(
  "file",
  async () => {
    const dir = join(await folder(), "made/when/needed")
    const storage = open(dir)
    folders.set(storage, dir)
    return storage
  },
  {
    reopen: async (storage) => {
      await storage.close?.()
      const dir = folders.get(storage) ?? ""
      const next = open(dir)
      folders.set(next, dir)
      return next
    },
    failing: async () => {
      const file = join(await folder(), "file")
      await writeFile(file, "")
      return open(join(file, "state"))
    },
  },
)

/** Start a process over a folder; gives its first line of output when that is there. */
async function start(dir: string, mode: "hold" | "race") {
  const program = fileURLToPath(new URL("fixtures/hold_storage.ts", import.meta.url))
  const child = spawn(process.execPath, ["--import", "tsx", program, dir, mode], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, "exit")
    child.kill("SIGKILL")
    await gone
  }
  cleanups.push(kill)
  const [line] = (await once(child.stdout, "data")) as [Buffer]
  return { pid: child.pid ?? 0, line: line.toString().trim(), kill }
}

const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "")

const staleOwner = "~0f8fad5b-d9cb-469f-a165-70867728950e"
const staleLock = "~lock-0f8fad5b-d9cb-469f-a165-70867728950e"

describe("file storage: files", () => {
  it("keeps each value in a file named by its key, and a marker", async () => {
    const dir = await folder()
    const storage = open(dir)
    await storage.set("job/manifest/1", bytes(1, 2))
    await storage.close()
    expect((await filesBelow(dir)).sort()).toEqual(["job/manifest/1", "millrace.json"])
    expect(await readFile(join(dir, "job/manifest/1"))).toEqual(Buffer.of(1, 2))
    expect(await readFile(join(dir, "millrace.json"), "utf8")).toBe(`{"format":1}\n`)
  })

  it("makes nothing before the first call", async () => {
    const dir = join(await folder(), "state")
    await fileStorage(dir).close()
    await expect(readdir(dir)).rejects.toThrow("ENOENT")
  })

  it("sweeps what interrupted owners left, and nothing else", async () => {
    const dir = await folder()
    const storage = open(dir)
    await storage.set("job/a", bytes(1))
    await storage.close()
    await mkdir(join(dir, staleLock))
    await mkdir(join(dir, staleOwner))
    const left = [`${staleOwner}/3`, `${staleLock}/token`, "~mine", "job/NOTES.txt"]
    for (const path of left) await writeFile(join(dir, path), "half")
    expect(await storage.list("")).toEqual(["job/a"])
    await storage.close()
    const kept = ["job/NOTES.txt", "job/a", "millrace.json", "~mine"]
    expect((await filesBelow(dir)).sort()).toEqual(kept)
  })

  it("leaves no temporary file behind when a write fails, and tells why", async () => {
    const dir = await folder()
    const storage = open(dir)
    await storage.set("a", bytes(1))
    const failed = await storage.set("a/b", bytes(2)).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: "STORAGE", cause: { code: "ENOTDIR" } })
    const folderInTheWay = storage.set("job", bytes(1))
    await folderInTheWay
    await storage.delete("job")
    await storage.set("job/a", bytes(1))
    expect(await refusalLater(() => storage.set("job", bytes(1)))).toEqual({
      code: "STORAGE",
      message: `fileStorage cannot write in ${dir}: EISDIR`,
    })
    await storage.close()
    expect((await filesBelow(dir)).sort()).toEqual(["a", "job/a", "millrace.json"])
  })

  it("refuses a path that is none, and keys that it keeps for itself", async () => {
    expect(refusal(() => fileStorage("")).code).toBe("OPTION")
    const storage = open(await folder())
    for (const key of ["millrace.json", "millrace.lock", "millrace.lock/a"]) {
      expect((await refusalLater(() => storage.set(key, bytes(1)))).code).toBe("OPTION")
    }
    await storage.set("job/millrace.json", bytes(1))
    expect(await storage.list("")).toEqual(["job/millrace.json"])
  })

  it("fails with the system's error as cause when the folder cannot be made", async () => {
    const dir = await folder()
    await writeFile(join(dir, "file"), "")
    const error = await open(join(dir, "file/state"))
      .get("a")
      .catch((given: unknown) => given)
    expect(error).toBeInstanceOf(MillraceError)
    expect(error).toMatchObject({ code: "STORAGE", cause: { code: "ENOTDIR" } })
  })
})

describe("file storage: folders of others", () => {
  it("refuses a folder that holds something else, and leaves it untouched", async () => {
    const dir = await folder()
    await writeFile(join(dir, "thesis.txt"), "mine")
    await writeFile(join(dir, staleOwner), "also mine, perhaps")
    const storage = open(dir)
    const expected = { code: "FOREIGN", message: `${dir} holds files that are not Millrace's` }
    expect(await refusalLater(() => storage.set("a", bytes(1)))).toEqual(expected)
    expect(await refusalLater(() => storage.get("a"))).toEqual(expected)
    expect((await readdir(dir)).sort()).toEqual(["thesis.txt", staleOwner].sort())
  })

  it.each(["", "{", "null", "[]", `{"format":"1"}`, `{"format":0}`])(
    "refuses a marker that is not ours: %s",
    async (text) => {
      const dir = await folder()
      await writeFile(join(dir, "millrace.json"), text)
      expect((await refusalLater(() => open(dir).list(""))).code).toBe("FOREIGN")
      expect(await readdir(dir)).toEqual(["millrace.json"])
    },
  )

  it("refuses a newer format, naming both versions", async () => {
    const dir = await folder()
    await writeFile(join(dir, "millrace.json"), `{"format":7}`)
    expect(await refusalLater(() => open(dir).list(""))).toEqual({
      code: "UNSUPPORTED",
      message: `${dir} has format 7, and this version of Millrace reads up to 1`,
    })
    expect(await readdir(dir)).toEqual(["millrace.json"])
  })

  it("opens a folder again that was only locked when its process died", async () => {
    const dir = await folder()
    await mkdir(join(dir, "millrace.lock"))
    await mkdir(join(dir, staleOwner))
    await writeFile(join(dir, staleOwner, "0"), "half a marker")
    const storage = open(dir)
    await storage.set("a", bytes(1))
    expect(await storage.list("")).toEqual(["a"])
  })
})

describe("file storage: lock", () => {
  it("lets one storage of a process use a folder until it is closed", async () => {
    const dir = await folder()
    const [first, second] = [open(dir), open(dir)]
    await first.set("a", bytes(1))
    expect(await refusalLater(() => second.get("a"))).toEqual({
      code: "LOCKED",
      message: `${dir} is in use by this process ${process.pid}`,
    })
    await first.close()
    expect(await second.get("a")).toStrictEqual(bytes(1))
    expect((await refusalLater(() => first.get("a"))).code).toBe("LOCKED")
    await second.close()
    expect(await first.get("a")).toStrictEqual(bytes(1))
  })

  it("closes after the calls that are going on, and opens again for later ones", async () => {
    const dir = await folder()
    const storage = open(dir)
    const writes = Array.from({ length: 10 }, (_, i) => storage.set(`a/${i}`, bytes(i)))
    const closing = storage.close()
    const later = storage.list("")
    await Promise.all([...writes, closing])
    expect((await later).length).toBe(10)
  })

  it("is refused while the other process lives, and taken over after its kill -9", async () => {
    const dir = await folder()
    const holder = await start(dir, "hold")
    const storage = open(dir)
    expect(holder.line).toBe("won")
    expect(await refusalLater(() => storage.get("job/a"))).toEqual({
      code: "LOCKED",
      message: `${dir} is in use by process ${holder.pid}`,
    })
    await holder.kill()
    expect(await storage.get("job/a")).toStrictEqual(bytes(7))
    expect(await readdir(join(dir, "job"))).toEqual(["a"])
    const ours = (await readdir(dir)).filter((name) => name.startsWith("~"))
    expect(ours).toHaveLength(1) // The folder of who was killed is gone.
  })

  it("goes to exactly one of many that take over at once", async () => {
    const dir = await folder()
    const holder = await start(dir, "hold")
    await holder.kill()
    const storages = Array.from({ length: 20 }, () => open(dir))
    const codes = await Promise.all(
      storages.map(async (storage) => {
        try {
          await storage.list("")
          return "won"
        } catch (error) {
          return error instanceof MillraceError ? error.code : "other"
        }
      }),
    )
    expect(codes.sort()).toEqual([...Array<string>(19).fill("LOCKED"), "won"])
  })

  it("goes to exactly one of several processes that take over at once", async () => {
    const dir = await folder()
    const holder = await start(dir, "hold")
    await holder.kill()
    const started = await Promise.all([1, 2, 3].map(() => start(dir, "race")))
    expect(started.map(({ line }) => line).sort()).toEqual(["LOCKED", "LOCKED", "won"])
  })

  const gone = [
    ["a process number that runs nothing", { pid: 4_194_305, startTicks: 5 }],
    ["this number, started at another time", { pid: process.pid, startTicks: 5 }],
    ["another start of the machine", { pid: process.ppid, startTicks: 0, boot: "other" }],
  ] as const

  it.each(gone)("is taken over from %s", async (_, holder) => {
    const dir = await folder()
    await mkdir(join(dir, "millrace.lock"))
    const text = JSON.stringify({ startMs: 0, boot: boot.trim(), ...holder })
    await writeFile(join(dir, "millrace.lock/token"), text)
    expect(await open(dir).list("")).toEqual([])
  })

  it("is left alone when it cannot be read, and says what to remove", async () => {
    const dir = await folder()
    await mkdir(join(dir, "millrace.lock"))
    await writeFile(join(dir, "millrace.lock/token"), "{")
    const { code, message } = await refusalLater(() => open(dir).list(""))
    expect([code, message.includes(join(dir, "millrace.lock/token"))]).toEqual(["LOCKED", true])
    expect(await filesBelow(dir)).toEqual(["millrace.lock/token"])
  })

  it.skipIf(process.getuid?.() === 0)("tells of a folder that may not be written", async () => {
    const dir = await folder()
    await chmod(dir, 0o500)
    expect((await refusalLater(() => open(dir).list(""))).code).toBe("STORAGE")
  })
})
