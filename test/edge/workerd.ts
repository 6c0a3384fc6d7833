/** Starts workerd over one of the workers of this folder, by way of miniflare. */
import { fileURLToPath } from "node:url"
import { Miniflare } from "miniflare"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** What differs between workers. */
export interface WorkerOptions {
  readonly script: string
  readonly compatibilityDate: string
  readonly durableObjects: Record<string, string | { className: string; useSQLite: boolean }>
  /** Where objects keep what they keep. */
  readonly folder: string
}

export function startWorker(options: WorkerOptions): Miniflare {
  const { script, compatibilityDate, durableObjects, folder } = options
  return new Miniflare({
    cf: false,
    host: "127.0.0.1",
    rootPath: root,
    modulesRoot: root,
    modules: true,
    modulesRules: [
      { type: "ESModule", include: ["**/*.js", "**/*.mjs"] },
      { type: "CompiledWasm", include: ["**/*.wasm"] },
    ],
    scriptPath: `test/edge/${script}`,
    compatibilityDate,
    durableObjects,
    durableObjectsPersist: folder,
  })
}
