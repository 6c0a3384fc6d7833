/**
 * What is in a folder of the file driver: jobs, their checkpoints, and what these name.
 */
import type { Engine } from "../engine/engine.ts"
import { numberName, readEpochs } from "../epochs.ts"
import { MillraceError } from "../errors.ts"
import { openManifest } from "../manifest.ts"
import type { Manifest, SavedSegment } from "../manifest.ts"
import type { StateFolder } from "../storage/folder.ts"
import { isDamage } from "./savepoint.ts"
import type { Damage, FlowReport } from "./savepoint.ts"
import { SavedStates } from "./states.ts"
import type { RowsWanted, ShownRows } from "./states.ts"

/** A checkpoint, whole or not. */
export interface CheckpointReport {
  readonly epoch: number
  readonly whole: boolean
  /** Which job wrote it, of those that went on from one another; undefined: it cannot be read. */
  readonly owner: number | undefined
  /** Events read by then. */
  readonly sequence: number | undefined
  readonly segments: number
  /** Of all that belongs to it; the next checkpoint has most of it, too. */
  readonly bytes: number
}

/** A job with its checkpoints, newest first. */
export interface JobReport {
  readonly job: string
  /** Who committed last. */
  readonly owner: number | undefined
  readonly checkpoints: readonly CheckpointReport[]
  /** The newest one that is whole: where the job goes on. */
  readonly epoch: number | undefined
  /** Segments of that one that are in storages of operators' own, and were not looked at. */
  readonly elsewhere: number
  readonly flow: FlowReport | undefined
  readonly shown: ShownRows | undefined
}

/** What a folder holds. */
export interface FolderReport {
  readonly is: "folder"
  readonly name: string
  readonly holder: StateFolder["holder"]
  readonly files: number
  readonly bytes: number
  /** Files that no checkpoint names, or that are half-written: the next job removes them. */
  readonly leftOver: number
  /** Segments of operators whose job has its checkpoints elsewhere. */
  readonly ofOthers: number
  readonly jobs: readonly JobReport[]
  readonly damage: readonly Damage[]
}

/** What is asked of a folder. */
export interface FolderWanted {
  readonly rows: RowsWanted | undefined
  /** Undefined: all jobs. */
  readonly job: string | undefined
}

/** A segment in an operator's own storage: of a job, below a uid. */
const ownSegmentKey = /^[^/]+\/[^/]+\/segment\//
const manifestKey = /^([^/]+)\/manifest\/(\d{12})$/

/**
 * Look at a folder.
 *
 * @throws {MillraceError} `UNSUPPORTED` for checkpoints of another version, `OPTION` when the job
 *   that was asked for is not there, `MEMORY`. What is damaged is in the report.
 */
export async function lookAtJobs(
  folder: StateFolder,
  newEngine: () => Engine,
  { rows, job }: FolderWanted,
): Promise<FolderReport> {
  const names = new Set<string>()
  for (const key of folder.keys.keys()) names.add(manifestKey.exec(key)?.[1] ?? "")
  names.delete("")
  const wanted = job === undefined ? [...names] : [job]
  if (job !== undefined && !names.has(job)) {
    throw new MillraceError("OPTION", `no job ${job}; there are ${[...names].join(", ") || "none"}`)
  }
  const damage: Damage[] = []
  const named = new Set<string>()
  const jobs: JobReport[] = []
  for (const name of wanted) {
    const engine = newEngine()
    try {
      jobs.push(await new JobFolder(folder, name, engine, named, damage).report(rows))
    } finally {
      engine.close()
    }
  }
  const unnamed = [...folder.keys.keys()].filter((key) => !named.has(key))
  const ofOthers = unnamed.filter((key) => ownSegmentKey.test(key)).length
  return {
    ...{ is: "folder", name: folder.root, holder: folder.holder, files: folder.keys.size },
    bytes: [...folder.keys.values()].reduce((sum, bytes) => sum + bytes, 0),
    leftOver: (job === undefined ? unnamed.length - ofOthers : 0) + folder.unfinished,
    ofOthers,
    jobs,
    damage,
  }
}

class JobFolder {
  readonly #folder: StateFolder
  readonly #job: string
  readonly #engine: Engine
  readonly #named: Set<string>
  readonly #damage: Damage[]
  /** What is wrong with segments that were looked at, if anything is. */
  readonly #looked = new Map<string, string | undefined>()

  constructor(
    folder: StateFolder,
    job: string,
    engine: Engine,
    named: Set<string>,
    damage: Damage[],
  ) {
    this.#folder = folder
    this.#job = job
    this.#engine = engine
    this.#named = named
    this.#damage = damage
  }

  async report(rows: RowsWanted | undefined): Promise<JobReport> {
    const checkpoints: CheckpointReport[] = []
    let newest: Manifest | undefined
    for (const epoch of this.#epochs()) {
      const manifest = await this.#manifest(epoch)
      const whole = manifest !== undefined && (await this.#isWhole(manifest))
      if (whole) newest ??= manifest
      checkpoints.push(this.#checkpoint(epoch, manifest, whole))
    }
    this.#nameClaim()
    const states = newest && (await this.#load(newest))
    return {
      ...{ job: this.#job, checkpoints, owner: await this.#owner(), epoch: newest?.epoch },
      elsewhere: newest === undefined ? 0 : this.#elsewhere(newest),
      flow: newest && { ...flowOf(newest), states: states?.report() ?? [] },
      shown: rows && states?.rows(rows),
    }
  }

  /** The newest claim belongs to the state as well. */
  #nameClaim(): void {
    const folder = `${this.#job}/manifest/`
    const keys = [...this.#folder.keys.keys()].filter((key) => key.startsWith(folder))
    const claim = `-${numberName(readEpochs(keys).owner)}`
    for (const key of keys) if (key.endsWith(claim)) this.#named.add(key)
  }

  #epochs(): number[] {
    const epochs: number[] = []
    for (const key of this.#folder.keys.keys()) {
      const [, job, epoch] = manifestKey.exec(key) ?? []
      if (job === this.#job) epochs.push(Number(epoch))
    }
    return epochs.sort((a, b) => b - a)
  }

  #keyOf(epoch: number): string {
    return `${this.#job}/manifest/${String(epoch).padStart(12, "0")}`
  }

  async #manifest(epoch: number): Promise<Manifest | undefined> {
    const key = this.#keyOf(epoch)
    this.#named.add(key)
    const bytes = (await this.#folder.get(key)) ?? new Uint8Array(0)
    try {
      return openManifest(bytes, this.#job, epoch, (body) => this.#engine.checksum(body))
    } catch (error) {
      if (!isDamage(error)) throw error
      const sealed = bytes[0] === 1 ? "; state of encrypted() cannot be looked at" : ""
      this.#damage.push({ what: key, why: error.message + sealed })
      return undefined
    }
  }

  async #isWhole({ operators }: Manifest): Promise<boolean> {
    let whole = true
    for (const segment of operators.flatMap(({ segments }) => segments)) {
      const { key } = segment
      if (this.#isElsewhere(key)) continue
      if (!this.#looked.has(key)) {
        const why = await this.#wrongWith(segment)
        this.#looked.set(key, why)
        this.#named.add(key)
        if (why !== undefined) this.#damage.push({ what: key, why })
      }
      whole &&= this.#looked.get(key) === undefined
    }
    return whole
  }

  /** Segments of operators with a storage of their own are there, which may be this folder, too. */
  #isElsewhere(key: string): boolean {
    return !key.startsWith(`${this.#job}/segment/`) && !this.#folder.keys.has(key)
  }

  #elsewhere({ operators }: Manifest): number {
    const keys = operators.flatMap(({ segments }) => segments.map(({ key }) => key))
    return keys.filter((key) => this.#isElsewhere(key)).length
  }

  async #wrongWith({ key, bytes, checksum }: SavedSegment): Promise<string | undefined> {
    const segment = await this.#folder.get(key)
    if (segment === undefined) return "it is missing"
    if (segment.length !== bytes) {
      return `it has ${segment.length} bytes, and the manifest says ${bytes}`
    }
    return this.#engine.checksum(segment) === checksum ? undefined : "its checksum is another"
  }

  #checkpoint(epoch: number, manifest: Manifest | undefined, whole: boolean): CheckpointReport {
    const segments = (manifest?.operators ?? []).flatMap(({ segments }) => segments)
    const sizes = segments.map(({ bytes }) => bytes)
    const own = this.#folder.keys.get(this.#keyOf(epoch)) ?? 0
    return {
      ...{ epoch, whole, owner: manifest?.owner, sequence: manifest?.sequence },
      ...{ segments: segments.length, bytes: sizes.reduce((sum, bytes) => sum + bytes, own) },
    }
  }

  async #owner(): Promise<number | undefined> {
    const folder = `${this.#job}/manifest/`
    try {
      return await this.#folder.owner(folder)
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#damage.push({ what: `${folder}~owner`, why: error.message })
      return undefined
    }
  }

  /** Load a checkpoint that is whole. */
  async #load({ operators, epoch }: Manifest): Promise<SavedStates> {
    const states = new SavedStates(this.#engine, operators)
    for (const [place, { segments }] of operators.entries()) {
      for (const { key, number } of segments) {
        const bytes = await this.#folder.get(key)
        try {
          if (bytes !== undefined) states.load(place, bytes, number)
          else if (!this.#isElsewhere(key)) throw gone(epoch)
        } catch (error) {
          if (!isDamage(error)) throw error
          this.#damage.push({ what: key, why: error.message })
        }
      }
    }
    return states
  }
}

function gone(epoch: number): MillraceError {
  const message = `it went while checkpoint ${epoch} was looked at: is the job running?`
  return new MillraceError("CORRUPT", message)
}

function flowOf({ sequence, finished, complete, sources, watermarks, over, ended }: Manifest) {
  return {
    ...{ sequence, finished, complete, sources },
    ...(watermarks !== undefined && { watermarks }),
    ...(over !== undefined && { over }),
    ...(ended !== undefined && { ended }),
  }
}
