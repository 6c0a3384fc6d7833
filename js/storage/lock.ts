/**
 * One process at a time in a folder.
 *
 * The lock is a folder `millrace.lock` with one file in it, named by a random token and holding who
 * took it. It is made whole under another name and then renamed, and a folder can only be renamed
 * onto an empty one:
 *
 *     ~lock-<token>/<token>  --rename-->  millrace.lock/<token>   fails while another is there
 *
 * A lock whose process is gone is emptied by removing that token's file, which cannot hit another
 * owner, because tokens never come again; then the rename decides who is next. So a lock is never
 * half-written, and of any number of processes that take over at once one wins.
 *
 * A process is gone if the machine was started since, or nothing runs under its number, or what
 * does was started at another time (numbers are used again; in a container it is always 1). A lock
 * of this very thread is gone if it was let go and could not be removed.
 */
import { randomUUID } from "node:crypto"
import { mkdir, open, readdir, readFile, rename, rm, rmdir, unlink } from "node:fs/promises"
import { join } from "node:path"
import { threadId } from "node:worker_threads"
import { MillraceError } from "../errors.ts"
import { errorCode, isMissing } from "./disk.ts"

/** The name of the lock in its folder. */
export const lockName = "millrace.lock"

/** A lock that is held. */
export interface Lock {
  /** The random name of this owner; nobody else ever has it. */
  readonly token: string
  /** Let the next one in. */
  release(): Promise<void>
}

/** Who holds a lock. Times are 0 and texts empty where the system does not tell. */
interface Holder {
  readonly pid: number
  /** Clock ticks from the start of the machine to that of the process. */
  readonly startTicks: number
  /** When the process was started, by its own clock; good to a few seconds. */
  readonly startMs: number
  readonly boot: string
  /** Which thread of the process; undefined in locks of before. */
  readonly thread?: number
}

/** Tokens of the locks that this thread holds, by whichever copy of this module it took them. */
const shared = globalThis as { [held: symbol]: Set<string> | undefined }
const held = (shared[Symbol.for("millrace.locks")] ??= new Set<string>())

/** Rounds of taking over and losing to another, before giving up. */
const attemptsMax = 50

/**
 * Take the lock of a folder, which must exist.
 *
 * @throws {MillraceError} `LOCKED` naming the process that holds it and the folder.
 */
export async function takeLock(folder: string): Promise<Lock> {
  const path = join(folder, lockName)
  const token = randomUUID()
  const candidate = join(folder, `~lock-${token}`)
  const self = await thisProcess()
  let won = false
  held.add(token) // Before it can be there: others of this thread see it as soon as it is.
  try {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      won = await offer(candidate, token, self, path)
      if (won) return { token, release: () => release(path, token) }
      await removeGone(path, self, folder)
    }
  } finally {
    if (!won) held.delete(token)
    await rm(candidate, { recursive: true, force: true }).catch(() => undefined) // Swept later.
  }
  throw new MillraceError("LOCKED", `${folder}: others keep taking the lock; try again`)
}

/** Who has the lock of a folder. */
export interface LockHolder {
  /** Undefined: the lock cannot be read. */
  readonly pid: number | undefined
  readonly running: boolean
}

/** Who has the lock of a folder; undefined: nobody. Changes nothing. */
export async function lockHolder(folder: string): Promise<LockHolder | undefined> {
  const path = join(folder, lockName)
  for (const token of await tokensIn(path)) {
    const holder = await readHolder(join(path, token))
    if (holder === "unreadable") return { pid: undefined, running: false }
    if (holder === "released") continue
    return { pid: holder.pid, running: await isAlive(holder, await thisProcess(), token) }
  }
  return undefined
}

/** Write the lock and rename it; false when another is there, or its holder swept ours away. */
async function offer(candidate: string, token: string, self: Holder, path: string) {
  try {
    await mkdir(candidate, { recursive: true })
    await writeSynced(join(candidate, token), JSON.stringify(self))
    if (process.platform === "win32") await rmdir(path).catch(() => undefined)
    await rename(candidate, path)
    return true
  } catch (error) {
    if (lostCodes.includes(errorCode(error) ?? "")) return false
    throw error
  }
}

const windowsCodes = process.platform === "win32" ? ["EPERM", "EACCES"] : []
const lostCodes = ["ENOTEMPTY", "EEXIST", "ENOENT", ...windowsCodes]

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "w")
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function removeGone(path: string, self: Holder, folder: string): Promise<void> {
  for (const token of await tokensIn(path)) {
    const holder = await readHolder(join(path, token))
    if (holder === "released") continue
    if (holder === "unreadable") {
      const hint = `if no process uses it, remove ${join(path, token)}`
      throw new MillraceError("LOCKED", `${folder} has a lock that cannot be read; ${hint}`)
    }
    if (await isAlive(holder, self, token)) {
      const who = holder.pid === self.pid ? "this process" : "process"
      throw new MillraceError("LOCKED", `${folder} is in use by ${who} ${holder.pid}`)
    }
    await rm(join(path, token), { force: true })
  }
}

async function tokensIn(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

async function release(path: string, token: string): Promise<void> {
  held.delete(token)
  try {
    await unlink(join(path, token))
    await rmdir(path)
  } catch (error) {
    // Somebody took the emptied lock at once, or the whole folder is gone.
    if (!isMissing(error) && errorCode(error) !== "ENOTEMPTY") throw error
  }
}

async function readHolder(path: string): Promise<Holder | "released" | "unreadable"> {
  try {
    const read: unknown = JSON.parse(await readFile(path, "utf8"))
    const holder = read as Partial<Holder> | null
    const complete =
      Number.isSafeInteger(holder?.pid) &&
      typeof holder?.startTicks === "number" &&
      typeof holder.startMs === "number" &&
      typeof holder.boot === "string"
    return complete ? (holder as Holder) : "unreadable"
  } catch (error) {
    if (isMissing(error)) return "released"
    if (error instanceof SyntaxError) return "unreadable"
    throw error
  }
}

async function isAlive(holder: Holder, self: Holder, token: string): Promise<boolean> {
  if (holder.boot !== self.boot || !isRunning(holder.pid)) return false
  if (holder.pid === self.pid && holder.thread === self.thread && !held.has(token)) return false
  const ticks = await startTicks(holder.pid)
  if (holder.startTicks !== 0 && ticks !== undefined) return holder.startTicks === ticks
  return holder.pid !== self.pid || Math.abs(holder.startMs - self.startMs) < 10_000
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0) // Signal 0 is not sent; it only asks.
    return true
  } catch (error) {
    return errorCode(error) !== "ESRCH"
  }
}

async function thisProcess(): Promise<Holder> {
  return {
    pid: process.pid,
    startTicks: (await startTicks(process.pid)) ?? 0,
    startMs: Math.round(Date.now() - process.uptime() * 1000),
    boot: (await textOf("/proc/sys/kernel/random/boot_id")).trim(),
    thread: threadId,
  }
}

/** Field 22 of /proc/<pid>/stat; undefined where it cannot be read, 0 when only not yet reaped. */
async function startTicks(pid: number): Promise<number | undefined> {
  const stat = await textOf(`/proc/${pid}/stat`)
  if (stat === "") return undefined
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return state === "Z" || state === "X" ? 0 : Number(fields[18])
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8")
  } catch {
    return ""
  }
}
