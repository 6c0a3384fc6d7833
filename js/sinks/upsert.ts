/**
 * Results with natural keys: the last of a key is the one that counts.
 */
import { MillraceError } from "../errors.ts"
import { callable, checkOptions } from "../options.ts"
import type { AtLeastOnceSink } from "./sink.ts"

/** Options of {@link upsertSink}. */
export interface UpsertOptions<in out T> {
  /** The natural key of a result, such as the key and the window of a row. */
  readonly key: (result: T) => string
  /** Put results in the place of what their keys had; durable when it is done. */
  readonly put: (results: ReadonlyMap<string, T>) => void | Promise<void>
}

/**
 * A sink that puts each result in the place of the one before it with the same key, such as rows of
 * a table. After a restart results come again and replace what they were, so what stands there in
 * the end is as if each had come once; until then an older one may be seen again.
 *
 * @example
 * ```ts
 * const rows = new Map<string, { key: string; count: number }>()
 * const sink = upsertSink<{ key: string; count: number }>({
 *   key: (row) => row.key,
 *   put: (latest) => latest.forEach((row, key) => rows.set(key, row)),
 * })
 * const counts = from(["a", "b", "a"]).keyBy((letter) => letter).aggregate({ count: count() })
 * const job = await run(counts.to(sink))
 * ```
 * @throws {MillraceError} `OPTION` for options that are missing or unknown.
 */
export function upsertSink<T>(options: UpsertOptions<T>): AtLeastOnceSink<T> {
  const functions = {
    key: callable<UpsertOptions<T>["key"]>(),
    put: callable<UpsertOptions<T>["put"]>(),
  }
  const { key, put } = checkOptions(options, functions, "upsertSink")
  if (key === undefined || put === undefined) {
    const missing = key === undefined ? "key" : "put"
    throw new MillraceError("OPTION", `upsertSink.${missing} is missing`)
  }
  return {
    delivery: "at-least-once",
    write: (results) => put(new Map(results.map((result) => [key(result), result]))),
  }
}
