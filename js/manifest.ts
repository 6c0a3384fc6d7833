/**
 * The manifest of a checkpoint: what belongs together, as CBOR with its XXH64 behind it.
 *
 * Bytes from storage are not believed: a manifest is whole if its checksum is right, and it is ours
 * if every part has its type, the job and the epoch being those that its key says.
 */
import { decode, encode } from "./codec.ts"
import { MillraceError } from "./errors.ts"
import { eachOnce, flowParts, isCount, isObject, isText } from "./saved.ts"
import { listOf, optional, shaped, stateNames, stateParts } from "./saved.ts"
import type { SavedFlow, SavedState, Test } from "./saved.ts"
import { isStorageKey } from "./storage/storage.ts"

/** The version of the manifest that this code writes, and the only one that it reads. */
export const manifestFormat = 2

/** The engine counts segments in 32 bits, with room for a mark. */
const numberMax = 2 ** 32 - 4

/** A segment that a manifest names. */
export interface SavedSegment {
  readonly key: string
  readonly bytes: number
  readonly checksum: bigint
  /** What it holds: rows, and removed ones. */
  readonly entries: number
  /** Of a state, each has a higher one than those before. */
  readonly number: number
}

/** A state with its chain. */
export interface SavedOperator extends SavedState {
  /** How many rows it has. Undefined: nobody wrote that down. */
  readonly rows?: number
  readonly segments: readonly SavedSegment[]
}

/** What a sink has prepared, and this checkpoint commits. */
export interface SavedSink {
  /** The name of its output. */
  readonly output: string
  /** This checkpoint's, or that of one before it that came to nothing. */
  readonly epoch: number
  readonly prepared: unknown
}

/** What stands in a manifest. */
export interface Manifest extends SavedFlow {
  readonly format: number
  readonly job: string
  readonly epoch: number
  /** The number of the job that wrote it, among those that have gone on from one another. */
  readonly owner: number
  readonly operators: readonly SavedOperator[]
  /** Undefined: there are none. */
  readonly sinks?: readonly SavedSink[]
}

type Checksum = (bytes: Uint8Array) => bigint

/** The bytes of a manifest. Throws `SERIALIZATION` for a position that is no plain data. */
export function sealManifest(manifest: Manifest, checksum: Checksum): Uint8Array {
  const body = encode(manifest)
  const bytes = new Uint8Array(body.length + 8)
  bytes.set(body)
  new DataView(bytes.buffer).setBigUint64(body.length, checksum(body), true)
  return bytes
}

/**
 * Read the manifest of a job's epoch.
 *
 * @throws {MillraceError} `CORRUPT` when it is damaged or another one; `UNSUPPORTED` when another
 *   version wrote it.
 */
export function openManifest(
  bytes: Uint8Array,
  job: string,
  epoch: number,
  checksum: Checksum,
): Manifest {
  if (bytes.length < 9) throw damaged("manifest", epoch)
  const body = bytes.subarray(0, -8)
  const sum = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(body.length, true)
  if (checksum(body) !== sum) throw damaged("manifest", epoch)
  const manifest = decode(body)
  const format = isObject(manifest) ? manifest["format"] : undefined
  if (isCount(format) && format > 0 && format !== manifestFormat) {
    const message = `state of format ${format}; this version reads ${manifestFormat}`
    throw new MillraceError("UNSUPPORTED", message)
  }
  if (!isManifest(manifest) || manifest.job !== job || manifest.epoch !== epoch) {
    throw damaged("manifest", epoch)
  }
  return manifest
}

/** The error of a checkpoint that is not whole. */
export function damaged(what: string, epoch: number): MillraceError {
  return new MillraceError("CORRUPT", `the ${what} of checkpoint ${epoch} is damaged`)
}

// ---- what each part must be ----

const areSegments = listOf(
  shaped({
    key: isStorageKey,
    bytes: isCount,
    checksum: (value) => typeof value === "bigint",
    entries: isCount,
    number: (value) => isCount(value) && value > 0 && value <= numberMax,
  }),
)

/** Segments in the order of their numbers. */
const isChain: Test = (value) =>
  areSegments(value) &&
  (value as SavedSegment[]).every(({ number }, i, all) => number > (all[i - 1]?.number ?? 0))

const manifestShape = shaped({
  format: (value) => isCount(value) && value > 0,
  job: isText,
  epoch: isCount,
  owner: isCount,
  ...flowParts,
  sinks: optional(listOf(shaped({ output: isText, epoch: isCount }))),
  operators: eachOnce(
    stateNames,
    shaped({ ...stateParts, rows: optional(isCount), segments: isChain }),
  ),
})

function isManifest(value: unknown): value is Manifest {
  return manifestShape(value)
}
