/** What consumers are made with: pinned in package.json and tools/package.json. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const packages = root("build/tools/node_modules")

/** A command of theirs, for Node. */
export const tool = (name: string) => `${packages}/.bin/${name}`

export const vite = root("node_modules/.bin/vite")
export const compiler = root("node_modules/typescript/bin/tsc")
export const nodes = [20, 22, 24].map((version) => root(`build/node-${version}/node`))

const arm = process.arch === "arm64"
export const deno = `${packages}/@deno/linux-${arm ? "arm64" : "x64"}-glibc/deno`
export const bun = `${packages}/@oven/bun-linux-${arm ? "aarch64" : "x64"}/bin/bun`

interface Manifest {
  readonly devDependencies: Readonly<Record<string, string>>
}

const manifests = ["package.json", "test/package/tools/package.json"].map(
  (name) => JSON.parse(readFileSync(root(name), "utf8")) as Manifest,
)

/** The version of a package that is pinned. */
export const versionOf = (name: string) =>
  manifests.map(({ devDependencies }) => devDependencies[name]).find(Boolean) ?? "?"

/** What a program says that it is. */
export function versionSaid(program: string): string {
  const said = execFileSync(program, ["--version"], { stdio: ["ignore", "pipe", "ignore"] })
  return /\d+\.\d+\.\d+/.exec(said.toString())?.[0] ?? "?"
}
