/**
 * A disk with a volatile and a durable layer, in place of `node:fs/promises` below /sim.
 *
 *     file     bytes as they are read, and as they were at its last sync
 *     folder   names as they are read, as they were at its last sync, and the changes since
 *
 * A power cut keeps what was synced; of the rest any part: each change of a folder by itself, in no
 * order, and of a file that was not synced all, nothing, its beginning, or that with zeros behind
 * it. A rename is a change of two folders: a file may come out of it with two names or none.
 */
import type * as fs from "node:fs/promises"

type Fs = typeof fs

interface FileNode {
  bytes: Uint8Array
  synced: Uint8Array | undefined
}

class FolderNode {
  readonly names = new Map<string, Node>()
  synced = new Map<string, Node>()
  changes: { readonly name: string; readonly node: Node | undefined }[] = []

  change(name: string, node: Node | undefined): void {
    this.changes.push({ name, node })
    if (node === undefined) this.names.delete(name)
    else this.names.set(name, node)
  }

  sync(): void {
    this.synced = new Map(this.names)
    this.changes = []
  }
}

type Node = FileNode | FolderNode

/** Whole numbers below a bound. */
export type Random = (below: number) => number

const root = "/sim"
const bootId = "/proc/sys/kernel/random/boot_id"

export class SimDisk {
  /** Asked before each call: it may throw, or give a promise that never settles. */
  fault: (call: string) => unknown = () => undefined
  #top = new FolderNode()
  #starts = 1

  /** The power goes and comes back: `random` says what of the rest is kept. */
  cut(random: Random): void {
    this.#top = afterCut(this.#top, random) as FolderNode
    this.restart()
  }

  /** The system starts anew, and nothing is lost. */
  restart(): void {
    this.#starts++
  }

  /** A new disk. */
  clear(): void {
    this.#top = new FolderNode()
  }

  /** The functions that the file driver uses; for paths elsewhere those of the system. */
  over(real: Fs): Partial<Fs> {
    const here = (path: unknown): path is string =>
      typeof path === "string" && (`${path}/`.startsWith(`${root}/`) || path === bootId)
    const wrap = (name: keyof Fs & keyof SimDisk) => {
      const mine = (this[name] as (...args: unknown[]) => unknown).bind(this)
      const theirs = real[name] as (...args: unknown[]) => unknown
      return async (...args: unknown[]) => {
        if (!here(args[0])) return theirs(...args)
        await this.fault(name)
        return mine(...args)
      }
    }
    const names = [
      ...(["mkdir", "open", "readdir", "readFile", "rename"] as const),
      ...(["rm", "rmdir", "stat", "unlink"] as const),
    ]
    return Object.fromEntries(names.map((name) => [name, wrap(name)]))
  }

  mkdir(path: string, { recursive = false } = {}): void {
    if (recursive && this.#find(path) !== undefined) return
    const { folder, name } = this.#parent(path)
    if (folder.names.has(name)) throw systemError("EEXIST")
    folder.change(name, new FolderNode())
  }

  open(path: string, flags: string) {
    if (flags === "r") return this.#handle(this.#existing(path))
    const { folder, name } = this.#parent(path)
    const there = folder.names.get(name)
    if (there !== undefined && flags === "wx") throw systemError("EEXIST")
    if (there !== undefined) return this.#handle(there)
    const file: FileNode = { bytes: new Uint8Array(), synced: undefined }
    folder.change(name, file)
    return this.#handle(file)
  }

  #handle(node: Node) {
    const struck = async (call: string) => this.fault(call)
    return {
      async writeFile(value: string | Uint8Array) {
        const file = node as FileNode
        const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value.slice()
        file.bytes = bytes.slice(0, bytes.length >> 1) // A short write, should the rest fail.
        await struck("writeFile")
        file.bytes = bytes
      },
      async sync() {
        await struck("sync")
        if (node instanceof FolderNode) node.sync()
        else node.synced = node.bytes
      },
      close: () => struck("close"),
    }
  }

  readFile(path: string, encoding?: string): string | Buffer {
    if (path === bootId) return `start ${this.#starts}`
    const file = this.#existing(path)
    if (file instanceof FolderNode) throw systemError("EISDIR")
    return encoding === undefined ? Buffer.from(file.bytes) : Buffer.from(file.bytes).toString()
  }

  readdir(path: string, options?: { withFileTypes: boolean }) {
    const folder = this.#existing(path)
    if (!(folder instanceof FolderNode)) throw systemError("ENOTDIR")
    if (options === undefined) return [...folder.names.keys()]
    return [...folder.names].map(([name, node]) => {
      return { name, isDirectory: () => node instanceof FolderNode }
    })
  }

  rename(from: string, to: string): void {
    const node = this.#existing(from)
    const [source, target] = [this.#parent(from), this.#parent(to)]
    const there = target.folder.names.get(target.name)
    if (there instanceof FolderNode && !(node instanceof FolderNode)) throw systemError("EISDIR")
    if (there instanceof FolderNode && there.names.size > 0) throw systemError("ENOTEMPTY")
    target.folder.change(target.name, node)
    source.folder.change(source.name, undefined)
  }

  rm(path: string, { force = false, recursive = false } = {}): void {
    const node = this.#find(path)
    if (node === undefined && force) return
    if (node instanceof FolderNode && !recursive) throw systemError("EISDIR")
    this.#remove(path)
  }

  rmdir(path: string): void {
    const node = this.#existing(path)
    if (node instanceof FolderNode && node.names.size > 0) throw systemError("ENOTEMPTY")
    this.#remove(path)
  }

  unlink(path: string): void {
    if (this.#existing(path) instanceof FolderNode) throw systemError("EISDIR")
    this.#remove(path)
  }

  stat(path: string) {
    const node = this.#existing(path)
    return { isFile: () => !(node instanceof FolderNode) }
  }

  #remove(path: string): void {
    this.#existing(path)
    const { folder, name } = this.#parent(path)
    folder.change(name, undefined)
  }

  #existing(path: string): Node {
    const node = this.#find(path)
    if (node === undefined) throw systemError("ENOENT")
    return node
  }

  #parent(path: string): { readonly folder: FolderNode; readonly name: string } {
    const at = path.lastIndexOf("/")
    const folder = this.#existing(path.slice(0, at))
    if (!(folder instanceof FolderNode)) throw systemError("ENOTDIR")
    return { folder, name: path.slice(at + 1) }
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#top
    for (const name of path.slice(root.length).split("/").filter(Boolean)) {
      if (node === undefined) return undefined
      if (!(node instanceof FolderNode)) throw systemError("ENOTDIR")
      node = node.names.get(name)
    }
    return node
  }
}

function afterCut(node: Node, random: Random): Node {
  if (!(node instanceof FolderNode)) {
    const bytes = node.synced === node.bytes ? node.bytes : tornFile(node, random)
    return { bytes, synced: bytes }
  }
  const kept = new Map(node.synced)
  for (const { name, node: changed } of node.changes) {
    if (random(2) === 0) continue
    if (changed === undefined) kept.delete(name)
    else kept.set(name, changed)
  }
  const folder = new FolderNode()
  for (const [name, child] of kept) folder.names.set(name, afterCut(child, random))
  folder.sync()
  return folder
}

function tornFile({ bytes, synced }: FileNode, random: Random): Uint8Array {
  const begun = bytes.slice(0, random(bytes.length + 1))
  const zeros = new Uint8Array(bytes.length)
  zeros.set(begun)
  return [synced ?? new Uint8Array(), bytes, begun, zeros][random(4)] as Uint8Array
}

/** An error as the system gives it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}
