/**
 * The jobs behind what users hold of them, for who hands out results in another way: js/worker.
 */
import type { JobCore } from "./job.ts"

/** By what `run` gives. */
export const cores = new WeakMap<object, JobCore>()
