/**
 * session: events of a key that come without a long pause, with state of their own.
 *
 *   event -> its session (runner.ts) -> what the function gives -\
 *   timer, watermark, end of the source -> session -> onEnd -------------> out
 *
 * With `onEnd` there is a second half, which calls it: so its errors are dealt with as those of any
 * function are, and what a session leaves comes in the order of events and timers.
 */
import type { Chunk, Failure } from "../../chunk.ts"
import type { Duration } from "../../duration.ts"
import type { OpenSession } from "../../engine/session_rows.ts"
import { MillraceError } from "../../errors.ts"
import type { Node, OperatorNode, Ran, Tolerate } from "../../graph.ts"
import { nodeOptions, withTag } from "../../graph.ts"
import { callable, checkOptions, duration, oneOf } from "../../options.ts"
import { refusePromise, UserState } from "../../state/access.ts"
import type { StateAccess } from "../../state/access.ts"
import { later, noLimits, refuseOwnTime, stateOption } from "../../state/config.ts"
import type { StateConfig, StateSetting } from "../../state/config.ts"
import type { KeyReader, KeyValue } from "../../state/keys.ts"
import { RecordType } from "../../state/record.ts"
import { tagOption } from "../../tag.ts"
import type { Tag } from "../../tag.ts"
import { EndedState } from "../ended_state.ts"
import { concurrencyOf, functionOptions } from "../function_options.ts"
import type { StatefulOptions } from "../map.ts"
import { Outputs } from "../outputs.ts"
import { SessionRunner } from "./runner.ts"
import type { EachEvent, SessionPlan } from "./ends.ts"

/** A session that is over; what `onEnd` is given. */
export interface Session {
  /** Time of its first event. */
  readonly start: number
  /** Time of its last event, plus `gap`. */
  readonly end: number
  /** How many events it had. */
  readonly count: number
}

/** What `onEnd` can ask for. */
export interface SessionContext<K = unknown> {
  readonly key: K
  /** Processing time. */
  readonly now: number
  /** How far event time has come; -Infinity under processing time. */
  readonly watermark: number
}

/**
 * Options of `session`.
 *
 * In event time a key can have several open sessions. An event between two makes them one, with the
 * state of the earlier (of the later, where that has none) and one `onEnd`. An event whose session
 * is over is late: counted in `stats()`, and sent to `lateTo` if there is one.
 */
export interface SessionOptions<T = unknown, K = unknown, O = unknown> extends StatefulOptions<
  T | Session,
  K,
  O
> {
  /** How long a pause ends a session; of the stream's time, event or processing time. */
  readonly gap: Duration
  /**
   * The default of each session's state, and limits of the keys with open sessions: what has to
   * make room ends. How long state lives follows from `gap`, not from `ttl`.
   */
  readonly state?: StateConfig
  /**
   * Is an event just `gap` after the last still of the session (`"inclusive"`, the default), or the
   * first of another?
   */
  readonly boundary?: "inclusive" | "exclusive"
  /** Where events go that come when their session is over. Default: they are only counted. */
  readonly lateTo?: Tag<T>
}

/** What is made of a session that is over; its state is gone after the call. */
export type SessionEnd<S, G, K, E> = (
  session: Session,
  state: StateAccess<S, G>,
  context: SessionContext<K>,
) => E

/** What is made of an event; `isNew`: it is the first of its session. */
export type SessionFunction<T, S, G, O> = (
  event: T,
  isNew: boolean,
  state: StateAccess<S, G>,
) => O | Promise<O>

/** {@link SessionOptions} with the types of state (`S`, `get()` gives `G`) and results. */
export type SessionSettings<T, K, S, G, O, E, State> = Omit<
  SessionOptions<T, K, O | E>,
  "state"
> & {
  readonly state: State
  /**
   * Called when a session is over: by a timer, the watermark, the end of the source, or to make
   * room; in the order of their ends. What it returns comes out, too; `undefined` does not.
   */
  readonly onEnd?: SessionEnd<S, G, K, E>
}

type OnEnd = SessionEnd<unknown, unknown, KeyValue, unknown>

const options = {
  ...functionOptions,
  state: stateOption,
  gap: duration({ zero: false }),
  boundary: oneOf("inclusive", "exclusive"),
  onEnd: callable<OnEnd>(),
  lateTo: tagOption,
}

export function sessionNode(
  input: Node,
  read: KeyReader,
  settings: unknown,
  given: unknown,
): OperatorNode {
  const each = callable<EachEvent>()(given, "session")
  const checked = checkOptions(settings, options, "session")
  const { gap, boundary, onEnd, lateTo, uid } = checked
  if (gap === undefined) throw new MillraceError("OPTION", "session.gap is missing")
  const setting = checked.state ?? { limits: noLimits, value: undefined }
  const mark = {}
  const initial = initialOf(setting)
  const plan: SessionPlan = {
    rule: { gapMs: gap, exclusive: boundary === "exclusive" },
    limits: { ...setting.limits, ttlMs: 0, cleanupMs: 0 },
    initial,
    concurrency: concurrencyOf(checked),
    lateTo,
    each,
    ended: onEnd && ((key, session) => new Ended(mark, key, session, gap)),
  }
  const common = nodeOptions(checked, "session")
  const sessions: OperatorNode = {
    kind: "session",
    inputs: [input],
    ...withTag(common, lateTo),
    keyOf: read,
    schema: { kind: "session", fields: ["start", "last", "count", "state"], ttl: false },
    open: (site) => new SessionRunner(site, read, plan),
  }
  if (onEnd === undefined) return sessions
  return {
    kind: "sessionEnd",
    inputs: [sessions],
    ...common,
    uid: uid === undefined ? undefined : `${uid}.end`,
    keyOf: (value) => (value as Ended).key,
    partOf: sessions,
    open: (site) => ({
      run: (chunk, tolerate) => endSessions(chunk, mark, initial, onEnd, site.wanted, tolerate),
    }),
  }
}

function initialOf({ limits, value, version }: StateSetting): (() => unknown) | undefined {
  refuseOwnTime(limits, "session")
  if (version !== undefined) later(version, "session.state.version")
  if (limits.onEvict !== undefined) {
    const message = "session.state.onEvict has no meaning: what makes room ends, and onEnd is told"
    throw new MillraceError("STATE_CONFIG", message)
  }
  if (!(value instanceof RecordType)) return value
  const message = "session.state.value cannot be a record in this version yet; give a function"
  throw new MillraceError("UNSUPPORTED", message)
}

/** A session on its way from where it ended to `onEnd`. */
class Ended implements Session {
  readonly #mark: object
  readonly #session: OpenSession
  readonly key: KeyValue
  readonly start: number
  readonly end: number
  readonly count: number

  constructor(mark: object, key: KeyValue, session: OpenSession, gapMs: number) {
    this.#mark = mark
    this.#session = session
    this.key = key
    this.start = session.start
    this.end = session.last + gapMs
    this.count = session.count
  }

  /** Does a value come from the operator with this mark? */
  static is(value: unknown, mark: object): value is Ended {
    return value instanceof Ended && value.#mark === mark
  }

  /** Its state, for one call. */
  access(initial: (() => unknown) | undefined): EndedState {
    return new EndedState(this.#session.has, this.#session.state, initial)
  }
}

/** What `onEnd` makes of the sessions among the values of a chunk; all others pass. */
function endSessions(
  chunk: Chunk,
  mark: object,
  initial: (() => unknown) | undefined,
  onEnd: OnEnd,
  wanted: boolean,
  tolerate: Tolerate | undefined,
): Ran {
  const { values, arrival } = chunk
  if (!values.some((value) => Ended.is(value, mark))) return { chunk }
  const out = new Outputs(chunk, wanted)
  let failure: Failure | undefined
  for (let i = 0; i < values.length && failure === undefined; i++) {
    const value = values[i]
    if (!Ended.is(value, mark)) {
      out.add(value, i)
      continue
    }
    const { key, start, end, count } = value
    const access = value.access(initial)
    const cause = chunk.at?.[i] ?? i
    const watermark = arrival.watermarks?.[cause + 1] ?? arrival.watermark ?? -Infinity
    try {
      const context = { key, now: arrival.now, watermark }
      const result = onEnd({ start, end, count }, new UserState(access), context)
      refusePromise(result)
      if (result !== undefined) out.add(result, i)
    } catch (error) {
      failure = out.dealt(tolerate, i, error)
    } finally {
      access.close()
    }
  }
  return { chunk: out.chunk(), failure }
}
