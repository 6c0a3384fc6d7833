/**
 * Those who install the package: each is a few lines here over the files of consumers/, in a fresh
 * project of its own.
 */
import { readFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import ts from "typescript"
import type { Chromium } from "../browser/chromium.ts"
import { visit } from "./pages.ts"
import type { Served } from "./pages.ts"
import type { Scratch } from "./scratch.ts"
import { bun, compiler, deno, nodes, tool, versionOf, versionSaid, vite } from "./tools.ts"
import { deployDry } from "./workers.ts"

export interface Consumer {
  readonly name: string
  readonly version: string
  /** How it uses the package. */
  readonly how: string
  run(project: Scratch, browser: Chromium): Promise<Told>
}

/** What each run of the program gave, as JSON, and what else is worth a place in the table. */
export interface Told {
  readonly outputs: readonly [string, ...string[]]
  readonly note?: string
}

type Extension = "mjs" | "cjs" | "mts" | "cts"

/** Put texts of consumers/ into a project: as they are, or as what the compiler leaves of them. */
async function put(project: Scratch, extension: Extension, ...names: string[]): Promise<void> {
  for (const name of names) {
    const text = readFileSync(new URL(`consumers/${name}.ts`, import.meta.url), "utf8")
    const linked = text.replaceAll(/"\.\/(\w+)\.ts"/g, `"./$1.${extension}"`)
    const module = extension === "cjs" ? ts.ModuleKind.CommonJS : ts.ModuleKind.ESNext
    const compilerOptions = { module, target: ts.ScriptTarget.ES2022 }
    const plain = () => ts.transpileModule(linked, { compilerOptions }).outputText
    await project.write(`${name}.${extension}`, extension.endsWith("ts") ? linked : plain())
  }
}

// ---- programs with files ------------------------------------------------------------

const languages = { mjs: "ESM", cjs: "CommonJS", mts: "TypeScript as it is" }

/** A program that runs a file, which has its state in files. */
function runtime(
  name: string,
  extension: keyof typeof languages,
  program: string,
  ...args: string[]
): Consumer {
  return {
    name,
    version: versionSaid(program),
    how: languages[extension],
    async run(project) {
      await put(project, extension, "program", "node")
      return { outputs: [await project.runIn(program, ...args, `node.${extension}`)] }
    },
  }
}

/** The compiler has nothing to say about files of a project, and makes JavaScript of them. */
async function compile(project: Scratch, node: string, files: readonly string[], how: object) {
  const compilerOptions = {
    ...{ target: "es2022", lib: ["es2022", "dom"], types: [], strict: true, skipLibCheck: false },
    ...{ rewriteRelativeImportExtensions: true, ...how },
  }
  await project.write("tsconfig.json", JSON.stringify({ compilerOptions, files }))
  await project.runIn(node, compiler)
}

/** By the types for `import` and for `require`. */
const compiled = (node: string): Consumer => ({
  name: "Node",
  version: versionSaid(node),
  how: `TypeScript ${versionOf("typescript")}, nodenext`,
  async run(project) {
    await put(project, "mts", "program", "node")
    await put(project, "cts", "program", "node")
    await compile(project, node, ["node.mts", "node.cts"], { module: "nodenext" })
    const esm = await project.runIn(node, "node.mjs")
    await rm(project.at("state"), { recursive: true })
    return { outputs: [esm, await project.runIn(node, "node.cjs")] }
  },
})

const conditions = ["workerd", "edge-light", "browser", "deno"]

/** By the types that other runtimes get. */
const resolved: Consumer = {
  name: "TypeScript",
  version: versionOf("typescript"),
  how: `bundler, for ${conditions.join(", ")}`,
  async run(project) {
    const names = ["program", "node", "page", "worker"]
    await put(project, "mts", ...names)
    const files = names.map((name) => `${name}.mts`)
    const how = { module: "esnext", moduleResolution: "bundler" }
    for (const condition of conditions) {
      await compile(project, process.execPath, files, { ...how, customConditions: [condition] })
    }
    return { outputs: [await project.run("node.mjs")] }
  },
}

const denoRuns = ["run", "--no-prompt", "--no-remote", "--allow-read=.", "--allow-write=."]
const denoFlags = [...denoRuns, "--check"]

/** Its job in a worker. */
const remote = (name: string, program: string, ...args: string[]): Consumer => ({
  name,
  version: versionSaid(program),
  how: "a job in a worker",
  async run(project) {
    await put(project, "mjs", "program", "served", "remote")
    return { outputs: [await project.runIn(program, ...args, "remote.mjs")] }
  },
})

const runtimes: readonly Consumer[] = [
  ...nodes.flatMap((node) => [
    runtime("Node", "mjs", node),
    runtime("Node", "cjs", node),
    compiled(node),
    remote("Node", node),
  ]),
  resolved,
  runtime("Deno", "mjs", deno, ...denoFlags),
  runtime("Deno", "mts", deno, ...denoFlags),
  remote("Deno", deno, ...denoRuns), // What it would check has no types of Node's there.
  runtime("Bun", "mjs", bun),
  runtime("Bun", "cjs", bun),
  runtime("Bun", "mts", bun),
  remote("Bun", bun),
]

// ---- pages --------------------------------------------------------------------------

interface Page {
  readonly name: string
  readonly version?: string
  readonly how: string
  /** The command that builds the page, in Node. */
  readonly build?: readonly [tool: string, ...args: string[]]
  /** Of its index.html. */
  readonly scripts: string
  readonly served: Served
  /** Its program runs in a worker. */
  readonly inWorker?: true
}

const script = (source: string) => `<script type="module" src="${source}"></script>`

const installed = "./node_modules/millrace/dist"
const imports = {
  millrace: `${installed}/browser.mjs`,
  "millrace/storage/indexeddb": `${installed}/storage-indexeddb.mjs`,
}
const importMap = `<script type="importmap">${JSON.stringify({ imports })}</script>`

const pages: readonly Page[] = [
  {
    name: "Vite",
    how: "build, a job in a worker",
    build: [vite, "build", "--logLevel=error"],
    scripts: script("remote_page.mjs"),
    served: "dist",
    inWorker: true,
  },
  {
    name: "webpack",
    how: "build, a job in a worker",
    build: [
      ...([tool("webpack"), "--mode=production", "--entry=./remote_page.mjs"] as const),
      ...["--output-path=out", "--output-filename=page.js"],
    ],
    scripts: `<script defer src="out/page.js"></script>`,
    served: ".",
    inWorker: true,
  },
  { name: "Vite", how: "dev", scripts: script("page.mjs"), served: "dev" },
  {
    name: "Vite",
    how: "build",
    build: [vite, "build", "--logLevel=error"],
    scripts: script("page.mjs"),
    served: "dist",
  },
  {
    name: "webpack",
    how: "build",
    build: [
      ...([tool("webpack"), "--mode=production", "--entry=./page.mjs"] as const),
      ...["--output-path=out", "--output-filename=page.js"],
    ],
    scripts: `<script defer src="out/page.js"></script>`,
    served: ".",
  },
  {
    name: "esbuild",
    how: "build",
    build: [tool("esbuild"), "page.mjs", "--bundle", "--minify", "--format=esm", "--outdir=out"],
    scripts: script("out/page.js"),
    served: ".",
  },
  {
    name: "rollup",
    how: "build",
    build: [tool("rollup"), "page.mjs", "--plugin=node-resolve={browser:true}", "--dir=out"],
    scripts: script("out/page.js"),
    served: ".",
  },
  {
    name: "no bundler",
    version: versionSaid("/usr/bin/chromium"),
    how: "an import map",
    scripts: importMap + script("page.mjs"),
    served: ".",
  },
]

const opened = ({ name, version, how, build, scripts, served, inWorker }: Page): Consumer => ({
  name,
  version: version ?? versionOf(name.toLowerCase()),
  how: `${how}, in Chromium`,
  async run(project, browser) {
    await put(project, "mjs", "program", ...(inWorker ? ["served", "remote_page"] : ["page"]))
    await project.write("index.html", `<!doctype html><meta charset="utf-8" />${scripts}`)
    if (build !== undefined) await project.run(...build)
    return visit(browser, project.folder, served)
  },
})

// ---- edge workers -------------------------------------------------------------------

const worker: Consumer = {
  name: "wrangler",
  version: versionOf("wrangler"),
  how: "deploy --dry-run, its bundle in workerd",
  async run(project) {
    await put(project, "mjs", "program", "worker")
    return deployDry(project)
  },
}

export const consumers: readonly Consumer[] = [...runtimes, ...pages.map(opened), worker]
