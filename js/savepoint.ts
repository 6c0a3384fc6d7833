/**
 * Savepoints: a job's state as one run of bytes that stands for itself, and the way back.
 *
 * What must stay true: the same state is the same bytes, whatever the job has gone through and
 * wherever it runs. So there is no epoch, owner, name of the job or time in it; rows come in
 * first-seen order, with ranks in place of numbers that count up (c/ranks.h); rows whose ttl is
 * over are left out, as it is chance when they are freed.
 */
import { encode } from "./codec.ts"
import type { Engine } from "./engine/engine.ts"
import { saveAll } from "./engine/scan.ts"
import { MillraceError } from "./errors.ts"
import type { Flow } from "./flow.ts"
import { openHomes } from "./homes.ts"
import type { Restoring } from "./homes.ts"
import { savedFlow } from "./saved.ts"
import { SavepointBytes } from "./savepoint_bytes.ts"
import type { SavepointSource } from "./savepoint_bytes.ts"
import { FrameReader, FrameWriter } from "./savepoint_format.ts"
import type { SavepointHeader } from "./savepoint_format.ts"
import { pathOf, statesIn, timeOf } from "./states.ts"
import type { Clock } from "./time/clock.ts"

/**
 * A savepoint of a flow that stands still. It is taken at once, so the job may go on while the
 * stream is read.
 *
 * @throws {MillraceError} `SERIALIZATION` for what is no plain data; `LIMIT`, `MEMORY`.
 */
export function takeSavepoint(
  flow: Flow,
  engine: Engine,
  clock: Clock,
  finished: boolean,
): ReadableStream<Uint8Array> {
  const states = statesIn(flow)
  const header: SavepointHeader = {
    ...savedFlow(flow, finished),
    states: states.map(({ planned, state: { name, schema } }) => {
      return { uid: planned.uid, state: name, schema }
    }),
  }
  const writer = new FrameWriter((bytes) => engine.checksum(bytes))
  const frames = writer.header(encode(header))
  states.forEach((homed, state) => {
    const timeMs = timeOf(homed, flow, clock)
    for (const { bytes } of saveAll(homed.state.operator, timeMs, encode)) {
      frames.push(writer.segment({ state, bytes }))
    }
  })
  frames.push(writer.end())
  return streamOf(frames)
}

/** The stream has each only until it is read. */
function streamOf(frames: Uint8Array[]): ReadableStream<Uint8Array> {
  frames.reverse()
  return new ReadableStream({
    pull(controller) {
      const frame = frames.pop()
      if (frame === undefined) controller.close()
      else controller.enqueue(frame)
    },
    cancel() {
      frames.length = 0
    },
  })
}

/**
 * Load a savepoint into a fresh flow, which is of no more use if it throws.
 *
 * @throws {MillraceError} `CORRUPT` when it is damaged, `UNSUPPORTED` when a newer version wrote
 *   it, `STATE_CONFIG` when its state cannot be taken over, `STORAGE` when it cannot be read.
 */
export async function loadSavepoint(
  source: SavepointSource,
  flow: Flow,
  engine: Engine,
  restoring: Restoring,
): Promise<SavepointHeader> {
  const bytes = new SavepointBytes(source)
  try {
    const reader = new FrameReader(bytes, (each) => engine.checksum(each))
    const header = await reader.header()
    const homes = openHomes(header, flow, restoring)
    const places = header.states.map(({ uid, state }) => homes.get(pathOf(uid, state)))
    for (let next = await reader.segment(); next !== undefined; next = await reader.segment()) {
      places[next.state]?.load(next.bytes, ofNoCheckpoint)
    }
    for (const home of homes.values()) home.loaded()
    flow.goOn(header)
    return header
  } finally {
    await bytes.close()
  }
}

/** Its rows are in no checkpoint yet. */
const ofNoCheckpoint = 0

/** A savepoint is a beginning: storage must not have another one. Throws `OPTION`. */
export function refuseStarted(job: string, epochs: readonly number[]): void {
  if (epochs.length === 0) return
  const message =
    `storage has checkpoints of job ${job} already, the last of epoch ${epochs[0]}: ` +
    "leave run.from out to go on from there, or give the savepoint another name or storage"
  throw new MillraceError("OPTION", message)
}
