/**
 * Millrace in a worker: a job runs there, and its results are iterated here.
 *
 * @packageDocumentation
 */
export { serveJob } from "./serve.ts"
export type { Requests, Served, ServeOptions, WorkerContext } from "./serve.ts"
export { startJob } from "./start.ts"
export type { StartOptions } from "./start.ts"
export type { WorkerPort } from "./port.ts"
export type {
  AnyServed,
  RemoteJob,
  RemoteJobBase,
  RemoteJobs,
  RemoteOf,
  RemoteOutput,
  RemoteState,
  UntypedJob,
} from "./remote_types.ts"
