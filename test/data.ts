/**
 * Real event data for tests, which does not come with the project: the files of `MILLRACE_DATA`,
 * by default in ../shared/data.
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

const folder = process.env["MILLRACE_DATA"] ?? "../shared/data"

/** The lines of a file; `skip` is called, with a word, where it is not there. */
export function linesOf(name: string, skip: (note: string) => void): string[] {
  const path = join(folder, name)
  if (!existsSync(path)) {
    skip(`there is no ${name} in ${folder}; MILLRACE_DATA says where`)
    return []
  }
  return readFileSync(path, "utf8").trimEnd().split("\n")
}
