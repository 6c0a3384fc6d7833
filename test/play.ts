/**
 * Scripts of our own tests: as those of `millrace/testing`, but each ends with the end of the
 * source, and the options of the source are those of `from`.
 */
import { ascending } from "../js/index.ts"
import type { FromOptions, Stream, StreamOf } from "../js/index.ts"
import * as testing from "../js/testing/index.ts"
import { Player } from "../js/testing/player.ts"
import type { Make, Played, PlayOptions, Step } from "../js/testing/index.ts"

export { clock, event, crash as restore } from "../js/testing/index.ts"
export type { Played, Step } from "../js/testing/index.ts"

interface Options<T> extends Omit<PlayOptions<T>, "time" | "watermark"> {
  /** Crash after every so many steps: each time what changed since is what is saved. */
  readonly crashEvery?: number | undefined
  /** Where the time of events is; without it there is none. */
  readonly from?: Pick<FromOptions<T>, "time" | "watermark">
}

/** Play a script to the end of its source and give its results. */
export function play<T, O>(
  make: (events: Stream<T>) => StreamOf<O>,
  script: readonly Step<T>[],
  options?: Options<T>,
): Promise<O[]> {
  return testing.play<T, O>(make, ended(script, options), adapted(options))
}

/** Play a script to the end of its source and give all that came of it, also when it fails. */
export function playAll<T>(
  make: Make<T>,
  script: readonly Step<T>[],
  options?: Options<T>,
): Promise<Played> {
  return testing.playAll(make, ended(script, options), adapted(options))
}

/** The same, but crashes, and the end, take savepoints to go on from. */
export async function playSavepoints<T>(
  make: Make<T>,
  script: readonly Step<T>[],
  options: Options<T>,
): Promise<{ readonly played: Played; readonly savepoints: readonly Uint8Array[] }> {
  const { crashAfter, ...rest } = adapted(options)
  const steps = ended(script, options)
  if (crashAfter !== undefined) steps.splice(crashAfter + 1, 0, testing.crash())
  const savepoints: Uint8Array[] = []
  const played = await new Player(make, steps, { ...rest, savepoints }).play()
  return { played, savepoints }
}

function ended<T>(script: readonly Step<T>[], { crashEvery }: Options<T> = {}): Step<T>[] {
  const steps = [...script, testing.end()]
  if (crashEvery === undefined) return steps
  return steps.flatMap((step, i) => (i % crashEvery === 0 ? [step, testing.crash()] : [step]))
}

function adapted<T>({ from = {}, crashEvery, ...rest }: Options<T> = {}): PlayOptions<NoInfer<T>> {
  void crashEvery // It is in the script.
  const { time, watermark = ascending() } = from
  return time === undefined ? { ...rest, time: false } : { ...rest, time, watermark }
}
