/**
 * Saved bytes that somebody has changed, who knows the format: their checksums are right. A job
 * starts from them, or there is a typed error that is no fault of ours; nothing else, ever.
 */
import fc from "fast-check"
import { expect, it } from "vitest"
import xxhash from "xxhash-wasm"
import { decode, encode } from "../js/codec.ts"
import { boundedDisorder, count, from, memoryStorage, run, tumbling } from "../js/index.ts"
import type { RunOptions } from "../js/index.ts"
import { FrameReader, FrameWriter } from "../js/savepoint_format.ts"
import { SavepointBytes } from "../js/savepoint_bytes.ts"
import { errorOf, guardRejections } from "./probe.ts"
import { bytesOf } from "./savepoints.ts"

guardRejections()

const runs = process.env["MILLRACE_GATES"] === "full" ? 20_000 : 500
const timeout = runs * 200

/** Two sources with time, windows with timers, and a fold of live values that age. */
function program(size: number) {
  const events = Array.from({ length: size }, (_, n) => ({ key: `k${n % 3}`, n, at: n * 2 }))
  const time = { time: "at", watermark: boundedDisorder(3) } as const
  const keyed = from(events, time).union(from(events, time)).keyBy("key")
  return {
    windows: keyed.window(tumbling(6)).aggregate({ events: count() }),
    last: keyed.fold(
      () => ({ all: [] as number[] }),
      ({ all }, { n }) => ({ all: [...all, n] }),
      { state: { ttl: 1000 } },
    ),
  }
}

/** The outcome of a job that goes on to its end: undefined, or the code of an error. */
async function outcome(options: RunOptions): Promise<string | undefined> {
  try {
    const job = await run(program(12), options)
    await job.finished().finally(() => job.close())
    return undefined
  } catch (error) {
    return errorOf(error).code
  }
}

/** A value that is another one is for the user's function to judge. */
const refusals = new Set([
  ...[undefined, "CORRUPT", "STATE_CONFIG", "STORAGE", "UNSUPPORTED", "USER_FUNCTION"],
])

async function checksums(): Promise<(bytes: Uint8Array) => bigint> {
  const hash = await xxhash()
  return (bytes) => hash.h64Raw(bytes)
}

// ---- what is changed ----

const strange: readonly unknown[] = [
  ...[null, true, -1, 0, 1.5, 2 ** 32, 2 ** 53, NaN, Infinity, -Infinity, -8.64e15, 1n, 2n ** 64n],
  ...["", "source-2", "../secret", "job/segment/1", "__proto__", [], [[]], {}, { uid: 1 }],
  ...[new Uint8Array(3), new Date(0), JSON.parse('{ "__proto__": { "uid": 1 } }') as unknown],
]

const change = fc.record({
  how: fc.constantFrom("flip", "flip", "cut", "add", "put", "put", "put", "drop", "twice"),
  at: fc.nat(),
  byte: fc.integer({ min: 1, max: 255 }),
  value: fc.constantFrom(...strange),
})

type Change = typeof change extends fc.Arbitrary<infer Each> ? Each : never

/** Every place in a value that holds something: what has it, and under which name. */
function placesIn(value: unknown): [Record<string, unknown>, string][] {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return []
  const holder = value as Record<string, unknown>
  return Object.keys(holder).flatMap((name) => [[holder, name], ...placesIn(holder[name])])
}

function changeValue(value: unknown, { how, at, value: strange }: Change): void {
  const places = placesIn(value)
  const place = places[at % Math.max(places.length, 1)]
  if (place === undefined) return
  const [holder, name] = place
  if (how === "put") holder[name] = strange
  else if (how === "drop" && Array.isArray(holder)) holder.splice(Number(name), 1)
  else if (how === "drop") Reflect.deleteProperty(holder, name)
  else if (Array.isArray(holder)) holder.push(holder[Number(name)])
}

function changed(bytes: Uint8Array, changes: readonly Change[], isValue: boolean): Uint8Array {
  let now: Uint8Array = bytes.slice()
  for (const each of changes) {
    const { how, at, byte } = each
    const place = at % (now.length + 1)
    if (how === "flip" && place < now.length) now[place] = (now[place] as number) ^ byte
    else if (how === "cut") now = now.slice(0, place)
    else if (how === "add") now = Uint8Array.of(...now.slice(0, place), byte, ...now.slice(place))
    else if (isValue) now = changedValue(now, each)
  }
  return now
}

/** What is no value any more, or none that can be written, stays as it is. */
function changedValue(bytes: Uint8Array, each: Change): Uint8Array {
  try {
    const value = decode(bytes)
    changeValue(value, each)
    return encode(value)
  } catch {
    return bytes
  }
}

const changes = fc.array(change, { minLength: 1, maxLength: 3 })

// ---- what must hold ----

it("never believes a manifest or its segments", { timeout }, async () => {
  const checksum = await checksums()
  const storage = memoryStorage()
  const job = await run(program(7), { storage })
  await job.finished()
  await job.close()
  const saved = new Map<string, Uint8Array>()
  for (const key of await storage.list("")) saved.set(key, (await storage.get(key)) as Uint8Array)
  const key = [...saved.keys()].find((each) => /manifest\/\d+$/.test(each)) as string
  const body = (saved.get(key) as Uint8Array).subarray(0, -8)

  const open = async (manifest: readonly Change[], segment: readonly Change[], which: number) => {
    const hostile = memoryStorage()
    for (const [each, bytes] of saved) await hostile.set(each, bytes)
    const value = decode(body) as Manifested
    const segments = value.operators.flatMap((operator) => operator.segments)
    const chosen = segments[which % segments.length] as Segment
    const bytes = changed(saved.get(chosen.key) as Uint8Array, segment, false)
    await hostile.set(chosen.key, bytes)
    Object.assign(chosen, { bytes: bytes.length, checksum: checksum(bytes) })
    const text = changed(encode(value), manifest, true)
    const sealed = new Uint8Array(text.length + 8)
    sealed.set(text)
    new DataView(sealed.buffer).setBigUint64(text.length, checksum(text), true)
    await hostile.set(key, sealed)
    return outcome({ storage: hostile })
  }

  expect(await open([], [], 0)).toBe(undefined)
  const cases = fc.oneof(
    fc.tuple(changes, fc.constant([] as Change[])),
    fc.tuple(fc.constant([] as Change[]), changes),
  )
  const hold = async ([manifest, segment]: [Change[], Change[]], which: number) => {
    expect(refusals).toContain(await open(manifest, segment, which))
  }
  await fc.assert(fc.asyncProperty(cases, fc.nat(), hold), { numRuns: runs })
})

it("never believes a savepoint", { timeout }, async () => {
  const checksum = await checksums()
  const job = await run(program(7))
  const taken = job.savepoint()
  await job.finished()
  const reader = new FrameReader(new SavepointBytes(await bytesOf(await taken)), checksum)
  const header = encode(await reader.header())
  const segments: { state: number; bytes: Uint8Array }[] = []
  for (let next = await reader.segment(); next !== undefined; next = await reader.segment()) {
    segments.push(next)
  }
  await job.close()

  const hold = async (which: number, list: Change[]) => {
    const writer = new FrameWriter(checksum)
    const frames = writer.header(which === 0 ? changed(header, list, true) : header)
    segments.forEach(({ state, bytes }, i) => {
      const mine = which === i + 1
      const elsewhere = mine && list[0]?.how === "twice" ? list[0].at % 4 : state
      const now = mine ? changed(bytes, list, false) : bytes
      frames.push(writer.segment({ state: elsewhere, bytes: now }))
    })
    frames.push(writer.end())
    expect(refusals).toContain(await outcome({ from: frames }))
  }
  await hold(0, [])
  const places = fc.integer({ min: 0, max: segments.length })
  await fc.assert(fc.asyncProperty(places, changes, hold), { numRuns: runs })
})

interface Segment {
  readonly key: string
}

interface Manifested {
  readonly operators: readonly { readonly segments: readonly Segment[] }[]
}
