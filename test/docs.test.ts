/**
 * Every program in docs/ runs and prints what the page says, every type is checked, every link
 * leads somewhere, and nothing that there is is left out.
 *
 *     ```js       a whole program; a ```text block behind it is what it prints. Two such blocks:
 *                 it is run twice, in one folder, as programs with state are. The programs of a
 *                 page are run in their order and share that folder.
 *     ```ts       a whole program, too, but only its types are checked; "ts browser" and "ts edge"
 *                 say where it would run
 */
import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import typescript from "typescript"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as millrace from "../js/index.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const execute = promisify(execFile)

interface Block {
  /** "docs/keys.md:12", where it begins. */
  readonly where: string
  readonly label: string
  readonly text: string
}

interface Page {
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
}

const names = (await readdir(join(root, "docs"), { recursive: true })).sort()
const pages: readonly Page[] = await Promise.all(
  names.filter((name) => name.endsWith(".md")).map((name) => pageOf(join("docs", name))),
)

async function pageOf(path: string): Promise<Page> {
  const text = await readFile(join(root, path), "utf8")
  const blocks = [...text.matchAll(/^```(.*)\n([^]*?)^```$/gm)].map((match): Block => {
    const [before, label = "", body = ""] = [text.slice(0, match.index), match[1], match[2]]
    return { where: `${path}:${before.split("\n").length}`, label, text: body }
  })
  return { path, text, blocks }
}

/** A program with what it prints, run by run. */
interface Program extends Block {
  readonly outputs: readonly string[]
}

function programsOf({ blocks }: Page): Program[] {
  return blocks.flatMap((block, i) => {
    if (block.label !== "js") return []
    const rest = blocks.slice(i + 1)
    const end = rest.findIndex(({ label }) => label !== "text")
    const outputs = rest.slice(0, end < 0 ? undefined : end).map(({ text }) => text)
    return [{ ...block, outputs }]
  })
}

/** Inside the package, so that programs import it by its own name. */
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(root, "build", "docs-test-"))
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

/** Runs programs one after another, and says before each that it begins. */
const runner = `
import { mkdirSync } from "node:fs"
import { pathToFileURL } from "node:url"
for (const { file, cwd, run } of JSON.parse(process.argv[2])) {
  mkdirSync(cwd, { recursive: true })
  process.chdir(cwd)
  process.stdout.write("\\0\\n")
  await import(pathToFileURL(file) + "?run=" + run).catch((error) => console.log("threw", error))
}
process.exit(0)
`

/** What all programs printed, by where they are, run by run. In one process: that is quick. */
async function runAll(): Promise<ReadonlyMap<string, readonly string[]>> {
  const runs: { where: string; file: string; cwd: string; run: number }[] = []
  for (const [n, page] of pages.entries()) {
    const cwd = join(folder, `page-${n}`)
    await mkdir(cwd)
    for (const [i, { where, text, outputs }] of programsOf(page).entries()) {
      const file = join(cwd, `program-${i}.mjs`)
      await writeFile(file, text)
      runs.push(...outputs.map((_, run) => ({ where, file, cwd: join(cwd, "here"), run })))
    }
  }
  const main = join(folder, "runner.mjs")
  await writeFile(main, runner)
  const { stdout } = await execute(process.execPath, [main, JSON.stringify(runs)])
  const printed = new Map<string, string[]>()
  for (const [i, text] of stdout.split("\0\n").slice(1).entries()) {
    const { where = "" } = runs[i] ?? {}
    printed.set(where, [...(printed.get(where) ?? []), text])
  }
  return printed
}

describe("programs", () => {
  let printed: Awaited<ReturnType<typeof runAll>>
  beforeAll(async () => {
    printed = await runAll()
  })

  const programs = pages.flatMap(programsOf)
  it.each(programs.map((program) => [program.where, program] as const))(
    "%s prints what is below it",
    (where, { outputs }) => {
      expect(outputs.length).toBeGreaterThan(0)
      expect(printed.get(where)).toEqual(outputs)
    },
  )
})

describe("types", () => {
  it("are right in every program", async () => {
    const blocks = pages.flatMap((page) => page.blocks).filter(({ label }) => /^ts\b/.test(label))
    const labels = ["ts", "ts browser", "ts edge"]
    expect(blocks.filter(({ label }) => !labels.includes(label))).toEqual([])
    const files = await Promise.all(
      blocks.map(async ({ text }, i) => {
        const file = join(folder, `types-${i}.ts`)
        await writeFile(file, text)
        return file
      }),
    )
    const { config } = typescript.readConfigFile(join(root, "tsconfig.json"), (path) =>
      typescript.sys.readFile(path),
    ) as { config: { compilerOptions: object } }
    const { options } = typescript.convertCompilerOptionsFromJson(
      { ...config.compilerOptions, incremental: false, tsBuildInfoFile: undefined },
      root,
    )
    const program = typescript.createProgram(files, { ...options, noUnusedLocals: false })
    const wrong = typescript.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
      const block = blocks[files.indexOf(file?.fileName ?? "")]
      const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line : 0
      const message = typescript.flattenDiagnosticMessageText(messageText, "\n")
      return `${block?.where ?? file?.fileName ?? ""} line ${line + 1}: ${message}`
    })
    expect(wrong).toEqual([])
  })
})

/** Prose and tables, without blocks. */
const proseOf = ({ text }: Page) => text.replaceAll(/^```.*\n[^]*?^```$/gm, "")

/** The anchor of a heading, as hosts of repositories make it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-")

describe("pages", () => {
  it("have links that lead somewhere", async () => {
    const listed = await execute("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root })
    const known = new Set(listed.stdout.split("\n").flatMap((path) => [path, dirname(path)]))
    const leads = async (path: string, anchor: string | undefined) => {
      if (!known.has(path) || anchor === undefined) return known.has(path)
      const text = await readFile(join(root, path), "utf8")
      return [...text.matchAll(/^#+ (.*)$/gm)].some(([, title = ""]) => anchorOf(title) === anchor)
    }
    const broken: string[] = []
    for (const page of pages) {
      for (const [, link = ""] of proseOf(page).matchAll(/\]\(([^)]+)\)/g)) {
        const [to = "", anchor] = link.split("#")
        const path = to === "" ? page.path : join(dirname(page.path), to)
        if (!(await leads(path, anchor))) broken.push(`${page.path}: ${link}`)
      }
    }
    expect(broken).toEqual([])
  })

  it("are all reached from the index", () => {
    const linked = new Set<string>(["docs/index.md"])
    for (const path of linked) {
      const page = pages.find((each) => each.path === path)
      if (page === undefined) continue
      for (const [, link = ""] of proseOf(page).matchAll(/\]\(([^)#]+)/g)) {
        linked.add(relative(root, join(root, dirname(path), link)))
      }
    }
    expect(pages.map(({ path }) => path).filter((path) => !linked.has(path))).toEqual([])
  })

  it("have lines of at most 100 columns, but for tables and what is printed", () => {
    const blank = (block: string) => block.replaceAll(/./g, "")
    const long = pages.flatMap(({ path, text }) =>
      text
        .replaceAll(/^```text\n[^]*?^```$/gm, blank)
        .split("\n")
        .flatMap((line, i) => (/^[^|].{100}/u.test(line) ? [`${path}:${i + 1}`] : [])),
    )
    expect(long).toEqual([])
  })
})

describe("what there is", () => {
  const all = pages.map(({ text }) => text).join("\n")
  /** A class is what a function gives, but for a few that users make. */
  const isClass = (value: unknown) => String(value).startsWith("class ")
  const said = (name: string) => new RegExp(`\\b${name}\\b`).test(all)

  it("is all in the documentation: exports, verbs, codes of errors", async () => {
    const left = Object.entries(millrace)
      .filter(([name, value]) => !isClass(value) && !said(name))
      .map(([name]) => name)
    for (const { prototype } of [millrace.Stream, millrace.KeyedStream, millrace.Windowed]) {
      left.push(...Object.getOwnPropertyNames(prototype).filter((name) => !said(name)))
    }
    const errors = await readFile(join(root, "js/errors.ts"), "utf8")
    const codes = [...errors.matchAll(/^ {2}\| "(\w+)"/gm)].map(([, code = ""]) => code)
    expect(codes.length).toBeGreaterThan(20)
    const limits = pages.find(({ path }) => path === "docs/limits.md")?.text ?? ""
    left.push(...codes.filter((code) => !limits.includes(`\`${code}\``)))
    expect(left).toEqual([])
  })

  it("is measured by a row of make bench, where the documentation names one", async () => {
    const bench = await readFile(join(root, "test/bench/main.ts"), "utf8")
    const named = [...all.matchAll(/--only (\w+)/g)].map(([, id = ""]) => id)
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((id) => !bench.includes(`  ${id}`))).toEqual([])
  })
})
