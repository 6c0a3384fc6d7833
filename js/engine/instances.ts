/**
 * Instances of the module, and those that wait for the next job.
 *
 * A new instance costs the host some half a millisecond, and letting go of one more: address
 * space is mapped and unmapped, and V8 takes the memory for so much garbage and collects. Jobs are
 * often small and many, one after another, so the instance of a job that is over waits for the
 * next one, if its memory has stayed small:
 *
 *   new ──▶ in use ──▶ closed whole, small, not worn: idle ──▶ in use
 *                 └──▶ else: dropped, and its memory with it
 *
 * What must stay true: an instance that waits has no open engine, so its pages are all free and
 * its handles all dead; one that may have trapped never waits. At most {@link idleMax} wait, of at
 * most {@link bytesMax} each beyond what a new one has.
 */
import type { Exports } from "./exports.ts"
import { Views } from "./views.ts"

/** How many may wait: as many small jobs at once cost nothing to open. */
const idleMax = 4

/** The most memory that one that waits has grown by, bytes. */
const bytesMax = 4 * 2 ** 20

/** Jobs of one instance: handles are never issued twice, and there is an end to them. */
const jobsMax = 10_000

/** An instance of the module, with views of its memory. */
export interface Instance {
  readonly module: WebAssembly.Module
  readonly wasm: Exports
  readonly views: Views
  /** Of its memory when it was new. */
  readonly bytes: number
  /** How many jobs had it. */
  jobs: number
}

const idle: Instance[] = []

/** An instance without an engine: one that waits, or a new one. */
export function takeInstance(module: WebAssembly.Module): Instance {
  const at = idle.findLastIndex((instance) => instance.module === module)
  const [instance = newInstance(module)] = at < 0 ? [] : idle.splice(at, 1)
  instance.jobs++
  return instance
}

/** The engine of this instance was closed, and no call into it has trapped. */
export function giveBackInstance(instance: Instance): void {
  const grownBytes = instance.wasm.memory.buffer.byteLength - instance.bytes
  if (grownBytes > bytesMax || instance.jobs >= jobsMax) return
  idle.push(instance)
  if (idle.length > idleMax) idle.shift() // Of a module that is no longer used, perhaps.
}

/** The only import any build has is Emscripten's notice that memory grew; views look themselves. */
function newInstance(module: WebAssembly.Module): Instance {
  const imports = { env: { emscripten_notify_memory_growth: () => undefined } }
  const wasm = new WebAssembly.Instance(module, imports).exports as unknown as Exports
  wasm._initialize?.()
  const bytes = wasm.memory.buffer.byteLength
  return { module, wasm, views: new Views(wasm.memory), bytes, jobs: 0 }
}
