/**
 * A program of the tests as one file of plain JavaScript, which starts in a sixth of the time.
 */
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "vite"

/** Make it of a file of fixtures/, in a folder; gives its path. */
export async function bundled(fixture: string, folder: string): Promise<string> {
  await build({
    configFile: false,
    logLevel: "silent",
    ssr: { noExternal: true },
    build: {
      ssr: fileURLToPath(new URL(`fixtures/${fixture}`, import.meta.url)),
      outDir: folder,
      rolldownOptions: {
        external: /\.wasm/, // Where it is, MILLRACE_WASM says.
        treeshake: false, // What loads the module is only a side effect.
        output: { entryFileNames: "program.mjs" },
      },
    },
  })
  return join(folder, "program.mjs")
}
