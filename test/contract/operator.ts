/**
 * The contract that every operator passes; `test/operators.test.ts` is one call of it for each.
 *
 * What comes out is the same in one chunk as in many, and the same after a crash at any step; so
 * are its savepoints; a checkpoint saves the moment at which it began, whatever comes while it is
 * written; and once all rows are gone nothing of them is left, neither in linear memory
 * nor among live values.
 */
import { describe, expect, it } from "vitest"
import { concat, merge } from "../../js/chunk.ts"
import type { Arrival, Chunk } from "../../js/chunk.ts"
import { Engine } from "../../js/engine/engine.ts"
import type { Operator } from "../../js/engine/operator.ts"
import { loadModule } from "../../js/module.ts"
import type { OperatorNode, Ran, Runner } from "../../js/graph.ts"
import { MillraceError, boundedDisorder, from, manualClock, run } from "../../js/index.ts"
import type { FromOptions, JobBase, Stream, StreamOf } from "../../js/index.ts"
import { planOf } from "../../js/plan.ts"
import { statesOf } from "../../js/states.ts"
import { steady } from "../../js/time/clock.ts"
import { playAll, playSavepoints } from "../play.ts"
import type { Played, Step } from "../play.ts"
import { ships } from "../random.ts"
import type { Limits } from "../reference.ts"
import { contentsOf } from "../savepoints.ts"
import { expectTheCut } from "./cut.ts"

/** The operator, with state limits where it keeps state. */
export type MakeOperator<T> = (events: Stream<T>, state: Limits) => StreamOf<unknown>

interface Setting {
  readonly name: string
  readonly state: Limits
  readonly timed: boolean
}

/** An event of a script knows its time. */
export interface Timed {
  readonly at: number
}

const settings: readonly Setting[] = [
  { name: "for ever", state: {}, timed: false },
  { name: "with a ttl", state: { ttl: 12 }, timed: false },
  { name: "with a ttl in event time", state: { ttl: 12 }, timed: true },
  { name: "evicting", state: { ttl: 20, maxSize: 3, onFull: "evict" }, timed: true },
]

/** Events before the cut of a checkpoint, the chunk size, and the most rows of a slice. */
const cuts = [
  [9, 1, 1],
  [18, 7, 1],
  [18, 1024, 2],
] as const

/** Run the contract; `eventTime`: of an operator that does without it nothing. */
export function testOperator<T extends Timed>(
  name: string,
  make: MakeOperator<T>,
  script: readonly Step<T>[],
  { eventTime = false }: { eventTime?: boolean } = {},
): void {
  describe(`operator: ${name}`, () => {
    for (const setting of settings.filter(({ timed }) => timed || !eventTime)) {
      testSetting(make, script, setting)
      testSavepoints(make, script, setting)
    }
    testUnread(make, script, eventTime)
    testLeaks(make, script, eventTime)
  })
}

/** A crash after each step, on the module that ships; others run the same code. */
const stride = ships ? 1 : 5

const timesOf = <T extends Timed>(timed: boolean): FromOptions<T> =>
  timed ? { time: ({ at }: T) => at, watermark: boundedDisorder(5) } : {}

interface Crashes {
  readonly crashAfter?: number
  readonly crashEvery?: number
}

function testSetting<T extends Timed>(
  make: MakeOperator<T>,
  script: readonly Step<T>[],
  { name, state, timed }: Setting,
): void {
  const play = (chunkSize: number, crashes: Crashes = {}): Promise<Played> => {
    const options = { from: timesOf<T>(timed), chunkSize, ...crashes }
    return playAll<T>((events) => make(events, state), script, options)
  }

  it(`gives the same whatever the chunk size: ${name}`, async () => {
    const whole = await play(1024)
    expect(whole).toEqual({ results: { out: expect.any(Array) as unknown }, error: undefined })
    for (const chunkSize of [1, 2, 7]) expect(await play(chunkSize)).toEqual(whole)
  })

  it(`gives the same after a crash at any step: ${name}`, async () => {
    const undisturbed = await play(1024)
    for (let step = 0; step < script.length; step += stride) {
      expect([step, await play(7, { crashAfter: step })]).toEqual([step, undisturbed])
    }
  })

  it(`gives the same with crashes after all steps: ${name}`, async () => {
    const undisturbed = await play(1024)
    for (const crashEvery of [1, 2, 5]) expect(await play(7, { crashEvery })).toEqual(undisturbed)
  })

  it(`is saved as it was when a checkpoint began, and goes on: ${name}`, async () => {
    const events = script.flatMap((step) => (step.kind === "event" ? [step.value] : []))
    for (const [cut, chunkSize, sliceRows] of cuts) {
      const made = (input: Stream<T>) => make(input, state)
      const how = { cut, chunkSize, sliceRows, from: timesOf<T>(timed) }
      await expectTheCut({ make: made, events, ...how })
    }
  })
}

function testSavepoints<T extends Timed>(
  make: MakeOperator<T>,
  script: readonly Step<T>[],
  { name, state, timed }: Setting,
): void {
  const play = (chunkSize: number, crashes: Crashes = {}) =>
    playSavepoints<T>((events) => make(events, state), script, {
      ...{ from: timesOf<T>(timed), chunkSize, ...crashes },
    })

  it(`has the same savepoints, and goes on from them, however it came there: ${name}`, async () => {
    const undisturbed = await play(1024)
    expect((await play(1024, { crashEvery: 1 })).played).toEqual(undisturbed.played)
    const whole = await play(1024, { crashEvery: 5 })
    expect(whole.played).toEqual(undisturbed.played)
    for (const chunkSize of [1, 7]) expect(await play(chunkSize, { crashEvery: 5 })).toEqual(whole)
    // Of a job that was not disturbed before.
    for (const crashAfter of [15, 30]) {
      const { savepoints } = await play(3, { crashAfter })
      const first = await stateIn(savepoints[0])
      const again = await stateIn(whole.savepoints[crashAfter / 5])
      expect(first).toEqual(again)
    }
  })
}

/** What is in a savepoint, without where the script is: crashes are steps of it, too. */
async function stateIn(savepoint: Uint8Array | undefined) {
  if (savepoint === undefined) return undefined // The job was over.
  const { header, segments } = await contentsOf(savepoint)
  return { header: { ...header, sources: [] }, segments }
}

/** Results that nobody reads are counted and not made; state must not know. */
function testUnread<T extends Timed>(
  make: MakeOperator<T>,
  script: readonly Step<T>[],
  timed: boolean,
): void {
  it("counts as many results, and has the same state, when nobody reads", async () => {
    const events = script.flatMap((step) => (step.kind === "event" ? [step.value] : []))
    const figures: unknown[] = []
    let count = 0
    for (const read of [true, false]) {
      const job = await run(make(from(events, timesOf<T>(timed)), {}), {
        chunkSize: 7,
        clock: manualClock(),
      })
      if (read) for await (const _ of job) count++
      else await job.finished()
      const { operators, discarded } = job.stats()
      expect(discarded["out"]).toBe(read ? 0 : count)
      const known = Object.keys(operators).filter((uid) => stateOf(job, uid) !== undefined)
      figures.push([operators, known.map((uid) => stateOf(job, uid))])
      await job.close()
    }
    expect(figures[1]).toEqual(figures[0])
  })
}

/** The state of an operator; undefined if it has none. */
function stateOf(job: JobBase, uid: string): unknown {
  try {
    return [...job.state(uid).scan()]
  } catch (error) {
    if (error instanceof MillraceError && error.code === "OPTION") return undefined
    throw error
  }
}

function testLeaks<T extends Timed>(
  make: MakeOperator<T>,
  script: readonly Step<T>[],
  timed: boolean,
): void {
  it("leaves nothing behind when all rows are gone", async () => {
    const module = await loadModule()
    const engine = new Engine(module, { memoryBytesMax: 1 << 28 })
    try {
      const events = script.flatMap((step) => (step.kind === "event" ? [step.value] : []))
      const { run, finish, operators } = openGraph<T>(
        make(from(events), { ttl: 1000 }),
        engine,
        timed,
      )
      const lives: number[] = []
      for (let round = 0; round < 4; round++) {
        run(events, round * 1e6)
        finish()
        for (const operator of operators) empty(operator)
        const { live, external } = engine.memory()
        lives.push(live)
        expect([engine.refs.size, external]).toEqual([0, 0])
      }
      // Batches and tables have their sizes after the first round.
      expect(lives.slice(2)).toEqual([lives[1], lives[1]])
    } finally {
      engine.close()
    }
  })
}

/** Expire every row; operators that count for themselves have one that stays. */
function empty(operator: Operator): void {
  if (operator.spec.limits.ttlMs === 0) return
  for (let tries = 0; tries < 100 && operator.stats().rows > 0; tries++) operator.expire(8e15, 1e6)
  const { rows, bytes } = operator.stats()
  expect([rows, bytes]).toEqual([0, 0])
}

/** Open all operators of a stream, without a job around them. */
function openGraph<T extends Timed>(stream: StreamOf<unknown>, engine: Engine, eventTime: boolean) {
  const { nodes } = planOf([["out", stream.node]])
  const runners = nodes.map(({ node, uid, label }): Runner | undefined =>
    node.kind === "source"
      ? undefined
      : (node as OperatorNode).open({
          uid,
          label,
          engine,
          clock: steady(manualClock()),
          eventTime,
          watermark: -Infinity,
          position: 0,
          wanted: true,
        }),
  )
  const pass = (values: readonly unknown[], arrival: Arrival): void => {
    const made: Chunk[] = []
    nodes.forEach(({ node, inputs }, i) => {
      const { tellsInputs = false } = node as OperatorNode
      const given = inputs.map(({ index }, side) => {
        const chunk = made[index] as Chunk
        return tellsInputs ? { ...chunk, inputs: side } : chunk
      })
      const input = inputs.length === 0 ? { values, at: undefined, arrival } : merge(given)
      const { chunk: output, failure } = (runners[i]?.run(input) ?? { chunk: input }) as Ran
      expect(failure).toBeUndefined()
      const rest = runners[i]?.settle?.(input)
      made.push(rest === undefined ? output : concat([output, rest.chunk], arrival))
    })
  }
  const run = (values: readonly T[], now: number): void => {
    const size = values.length
    const untimed = { first: 0, size, now, times: undefined, watermarks: undefined }
    if (!eventTime) return pass(values, untimed)
    const times = Float64Array.from(values, ({ at }) => now + at)
    const watermarks = new Float64Array(size).fill(now - 100)
    pass(values, { ...untimed, times, watermarks, watermark: now - 100 })
    // All that it may keep is over.
    const none = { times: new Float64Array(0), watermarks: new Float64Array(0) }
    pass([], { first: size, size: 0, now: now + 1e5, ...none, watermark: now + 1e5 })
  }
  /** The source is over: what is left comes out. */
  const finish = (): void => {
    for (const runner of runners) while (runner?.finish?.() !== undefined);
  }
  const operators = nodes.flatMap((planned, i) =>
    statesOf(planned, runners[i]).map(({ operator }) => operator),
  )
  return { run, finish, operators }
}
