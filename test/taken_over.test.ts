/** A folder that another process took over while its owner lives: the file driver's own fence. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { fileStorage } from "../js/storage/file.ts"
import { refusalLater } from "./refusal.ts"

const bytes = (...values: number[]) => Uint8Array.from(values)

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "millrace-test-"))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

describe("a folder of files", () => {
  it("when taken over, lets the one before write, commit and remove nothing more", async () => {
    const first = fileStorage(dir)
    await first.commit([], ["job/manifest/1", bytes(1)], 1)
    // As if its process were gone: another machine cannot see that it lives.
    await rm(join(dir, "millrace.lock"), { recursive: true })
    const second = fileStorage(dir)
    await second.commit([], ["job/manifest/2", bytes(2)], 2)
    const message = `${dir} was taken over by another process, or removed`
    const locked = { code: "LOCKED", message }
    const stale = first.commit([], ["job/manifest/3", bytes(3)], 2)
    expect(await refusalLater(() => stale)).toEqual(locked)
    expect(await refusalLater(() => first.set("a", bytes(3)))).toEqual(locked)
    expect(await refusalLater(() => first.delete("job/manifest/1"))).toEqual(locked)
    expect(await second.list("")).toEqual(["job/manifest/1", "job/manifest/2"])
    await first.close()
    await second.commit([], ["job/manifest/3", bytes(4)], 2)
  })

  it("keeps the owner of a commit as text, which is CORRUPT when it is none", async () => {
    const storage = fileStorage(dir)
    await storage.commit([], ["job/manifest/1", bytes(1)], 12)
    expect(await readFile(join(dir, "job/manifest/~owner"), "utf8")).toBe("12")
    await writeFile(join(dir, "job/manifest/~owner"), "x")
    const commit = storage.commit([], ["job/manifest/2", bytes(1)], 12)
    expect((await refusalLater(() => commit)).code).toBe("CORRUPT")
  })
})
