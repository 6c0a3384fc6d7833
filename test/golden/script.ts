/**
 * The golden program as a script for runtimes that have no TypeScript.
 */
import { readFile } from "node:fs/promises"
import ts from "typescript"

/** The program over the package that has this address. */
export async function goldenProgram(millrace: string): Promise<string> {
  const text = await readFile(new URL("program.ts", import.meta.url), "utf8")
  const { ESNext } = ts.ScriptTarget
  const { outputText } = ts.transpileModule(text, { compilerOptions: { target: ESNext } })
  return outputText.replaceAll("../../js/index.ts", millrace)
}
