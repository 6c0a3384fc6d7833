/**
 * The twins of the examples of RS2 and flink-clj: each prints what the file beside it says, from
 * beginning to end.
 */
import { execFile } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const root = new URL("..", import.meta.url)
const folders = ["rs2", "flink-clj"].map((name) => {
  const folder = new URL(`demo/${name}/`, root)
  const files = readdirSync(folder)
  const names = files.filter((file) => file.endsWith(".ts")).map((file) => file.slice(0, -3))
  const read = (file: string) => readFileSync(new URL(file, folder), "utf8")
  return { name, files, names, read }
})

/** Run the runner as `npm run example` does once everything is built. */
function example(...args: string[]) {
  const command = ["--import", "tsx", "demo/example.ts", ...args]
  return new Promise<{ status: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, command, { cwd: fileURLToPath(root) }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : error.code, stdout, stderr })
    })
  })
}

describe.each(folders)("the twins of the examples of $name", ({ files, names, read }) => {
  it.each(names)("%s", async (name) => {
    const stdout = read(`${name}.txt`)
    expect(await example(name)).toEqual({ status: 0, stdout, stderr: "" })
  })

  it("are all there is, with what they print and a place on the map", () => {
    const texts = names.map((name) => `${name}.txt`)
    expect(files).toEqual([...names.map((name) => `${name}.ts`), ...texts, "README.md"].sort())
    const readme = read("README.md")
    expect(names.filter((name) => !readme.includes(`[${name}](${name}.ts)`))).toEqual([])
  })
})

describe("npm run example", () => {
  it("lists the examples with their subjects", async () => {
    const { status, stdout } = await example()
    expect(status).toBe(0)
    expect(stdout).toMatch(/^ {2}quick_start +The Quick Start: what each user has spent so far/m)
    expect(stdout.split("\n").map((line) => line.trim().split(" ")[0])).toEqual([
      ...folders.flatMap(({ names }) => names),
      "",
    ])
  })

  it("refuses a name that there is not, and says which there are", async () => {
    const { status, stdout, stderr } = await example("stateful_mop")
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" })
    expect(stderr).toMatch(/^there is no example stateful_mop; there are\n {2}create_storage /)
    expect(stderr).toContain("\n  stateful_map ")
  })

  it("builds first", () => {
    const { scripts } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as {
      scripts: Record<string, string>
    }
    expect(scripts["example"]).toBe("make -s all && node --import tsx demo/example.ts")
  })
})
