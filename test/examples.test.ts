/**
 * Every `@example` in the documentation of the package runs, and prints what its comments say.
 *
 * Each is a program of its own. It has all exports of the package, and what {@link given} declares,
 * because an example may begin where the reader has a stream already.
 */
import { execFile, execFileSync } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import typescript from "typescript"
import { afterAll, beforeAll, expect, it } from "vitest"
import * as millrace from "../js/index.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const execute = promisify(execFile)

const given = `
import { ${Object.keys(millrace).join(", ")} } from "millrace"
import { readFile } from "node:fs/promises"
import { clock, crash, end, event, play, storageContract, watermark } from "millrace/testing"
import { useModule } from "millrace/slim"
import { encrypted } from "millrace/storage/encrypted"
import { fileStorage } from "millrace/storage/file"
import { indexedDbStorage } from "millrace/storage/indexeddb"
import { durableObjectStorage } from "millrace/storage/durable-object"
import { levelStorage } from "millrace/storage/level"
import { sqliteStorage } from "millrace/storage/sqlite"
import { ClassicLevel } from "classic-level"
import DatabaseSync from "libsql" // It has the methods of node:sqlite, in every Node.
import "fake-indexeddb/auto"
const orders = [{ customer: "ada", price: 30, time: 1 }, { customer: "bob", price: 5, time: 2 }]
const clicks = [{ user: "ada" }, { user: "bob" }]
const log = [{ at: 1 }, { at: 70_000 }]
const stream = from(orders).keyBy("customer").deduplicate()
const job = await run(stream)
const it = (name, run) => run()
`

/**
 * Options are for those who write operators; their example is no program. Those of a worker are two
 * halves of one, which test/browser runs.
 */
const left = ["js/options.ts", "js/worker/serve.ts", "js/worker/start.ts"]

const paths = execFileSync("git", ["ls-files", "js/*.ts"], { cwd: root, encoding: "utf8" })
const examples: { readonly where: string; readonly text: string }[] = []
for (const where of paths.trim().split("\n")) {
  if (left.includes(where)) continue
  const source = await readFile(join(root, where), "utf8")
  for (const [, body = ""] of source.matchAll(/@example\n *\* ```ts\n(.*?)\n *\* ```/gs)) {
    examples.push({ where, text: body.replace(/^ *\* ?/gm, "") })
  }
}

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(root, "build", "examples-"))
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function output(text: string, name: string): Promise<string> {
  const module = typescript.ModuleKind.ESNext
  const target = typescript.ScriptTarget.ES2023
  const compilerOptions = { module, target, verbatimModuleSyntax: true }
  const { outputText } = typescript.transpileModule(`${given}{\n${text}\n}`, { compilerOptions })
  const file = join(folder, name)
  await writeFile(file, outputText)
  const { stdout } = await execute(process.execPath, [file], { cwd: folder })
  return stdout
}

it("finds examples", () => {
  expect(examples.length).toBeGreaterThan(12)
})

it.each(examples.map((example, i) => [i, example.where, example.text] as const))(
  "example %i, of %s, does what it says",
  async (i, _, text) => {
    const said = [...text.matchAll(/console\.log\(.*\) \/\/ (.*)/g)].map(([, line]) => `${line}\n`)
    expect(await output(text, `${i}.mjs`)).toBe(said.join(""))
  },
)
