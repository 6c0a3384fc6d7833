/** The tarball: what is in it, what that weighs, and what linters of packages say of it. */
import { readFileSync } from "node:fs"
import { dirname } from "node:path"
import { gzipSync } from "node:zlib"
import Table from "cli-table3"
import type { Step } from "./main.ts"
import { output } from "./scratch.ts"
import type { Packed } from "./scratch.ts"
import { tool, versionOf } from "./tools.ts"

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url))

/** Nothing else may be packed. */
const kinds: readonly (readonly [kind: string, files: RegExp])[] = [
  ["the module", /^dist\/millrace\.wasm$/],
  ["ESM", /^dist\/[\w-]+\.mjs$/],
  ["CommonJS", /^dist\/[\w-]+\.cjs$/],
  ["types", /^dist\/[\w.-]+\.d\.[cm]ts$/],
  ["source maps", /^dist\/[\w-]+\.[cm]js\.map$/],
  ["the rest", /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|dist\/LICENSES\.txt)$/],
]

const digits = (value: number) => new Intl.NumberFormat("en-GB").format(value)

export function printSizes({ files, size }: Packed): void {
  const table = new Table({
    head: ["packed", "files", "bytes", "gzipped, each"],
    colAligns: ["left", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  })
  const add = (name: string, some: Packed["files"], gzipped: number) => {
    const bytes = some.reduce((sum, each) => sum + each.size, 0)
    table.push([name, digits(some.length), digits(bytes), digits(gzipped)])
  }
  for (const [kind, pattern] of kinds) {
    const some = files.filter(({ path }) => pattern.test(path))
    add(
      kind,
      some,
      some.reduce((sum, { path }) => sum + gzipSync(read(path)).length, 0),
    )
  }
  add("the tarball", files, size)
  console.log(table.toString())
}

/** What must hold for the tarball, whoever installs it. */
export const lints = ({ tarball, files, version }: Packed): readonly Step[] => {
  const lint = (name: string, how: string, command: string, ...args: string[]): Step => ({
    name,
    version: versionOf(name),
    how,
    async run() {
      await output(dirname(tarball), process.execPath, tool(command), tarball, ...args)
      return undefined
    },
  })
  const known = { name: "millrace", version, how: "npm pack: known files, no install script" }
  return [
    { ...known, run: async () => refuseOthers(files) },
    lint("publint", "--strict", "publint", "--strict"),
    // The module is no code with types, and TypeScript's "node10" cannot read "exports".
    lint(
      ...(["@arethetypeswrong/cli", "profile node16", "attw", "--profile", "node16"] as const),
      ...["--exclude-entrypoints", "millrace.wasm"],
    ),
  ]
}

function refuseOthers(files: Packed["files"]): undefined {
  const others = files.filter(({ path }) => !kinds.some(([, pattern]) => pattern.test(path)))
  if (others.length > 0) throw new Error(others.map(({ path }) => path).join("\n"))
  const { scripts } = JSON.parse(read("package.json").toString()) as { scripts: object }
  const atInstall = Object.keys(scripts).filter((name) => /install|prepare/.test(name))
  if (atInstall.length > 0) throw new Error(`scripts at installation: ${atInstall.join()}`)
}
