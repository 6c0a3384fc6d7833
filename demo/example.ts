/**
 * Run one of the small programs, or list them: `npm run example [name]`.
 *
 * A program is a file in one of the folders; what it prints is in the text file beside it.
 */
import { readdir, readFile } from "node:fs/promises"

const folders = ["rs2", "flink-clj"]

const [name] = process.argv.slice(2)
const programs = await findPrograms()
const program = programs.find((each) => each.name === name)
if (program !== undefined) {
  await import(program.url.href)
} else {
  const print = name === undefined ? console.log : console.error
  if (name !== undefined) print(`there is no example ${name}; there are`)
  for (const { name, subject } of programs) print(`  ${name.padEnd(22)} ${subject}`)
  if (name !== undefined) process.exitCode = 1
}

async function findPrograms() {
  const found: { name: string; url: URL; subject: string }[] = []
  for (const folder of folders) {
    const files = await readdir(new URL(`${folder}/`, import.meta.url))
    for (const file of files.filter((each) => each.endsWith(".ts")).sort()) {
      const url = new URL(`${folder}/${file}`, import.meta.url)
      const [, subject = ""] = /^\/\*\*(?: |\n \* )(.*?\.)/.exec(await readFile(url, "utf8")) ?? []
      found.push({ name: file.slice(0, -3), url, subject })
    }
  }
  return found
}
