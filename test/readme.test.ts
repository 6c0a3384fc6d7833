/** Every program in the README runs, and prints what its comments say. */
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const root = fileURLToPath(new URL("..", import.meta.url))
const execute = promisify(execFile)

/** A folder inside the package, so that the programs import it by its own name. */
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(root, "build", "readme-"))
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function programs(): Promise<string[]> {
  const text = await readFile(join(root, "README.md"), "utf8")
  return [...text.matchAll(/```js\n(.*?)```/gs)].map(([, program]) => program as string)
}

async function output(program: string): Promise<string> {
  const file = join(folder, "program.mjs")
  await writeFile(file, program)
  const { stdout } = await execute(process.execPath, [file], { cwd: folder })
  return stdout
}

describe("the README", () => {
  it("has four programs", async () => {
    expect(await programs()).toHaveLength(4)
  })

  it("has a first program that prints running totals", async () => {
    const [first = ""] = await programs()
    expect(await output(first)).toBe("ada: 30\nbob: 5\nada: 42\n")
  })

  it("has a job that survives: state is there again, nothing is printed twice", async () => {
    const [, durable = ""] = await programs()
    const state = "{ orders: 2, spent: 42 }\n"
    expect(await output(durable)).toBe(
      "{ key: 'ada', orders: 1, spent: 30 }\n" +
        "{ key: 'bob', orders: 1, spent: 5 }\n" +
        `{ key: 'ada', orders: 2, spent: 42 }\n${state}`,
    )
    expect(await output(durable)).toBe(state)
  })

  it("has windows, which print what the comments say", async () => {
    const [, , windows = ""] = await programs()
    const said = [...windows.matchAll(/^\/\/ (.*)$/gm)].map(([, line]) => `${line as string}\n`)
    expect(said).toHaveLength(6)
    expect(await output(windows)).toBe(said.join(""))
  })

  it("has a test of a week", async () => {
    const [, , , test = ""] = await programs()
    const ada = "{ user: 'ada' }"
    expect(await output(test)).toBe(`[ ${ada} ]\n[ ${ada}, ${ada} ]\n`)
  })
})
