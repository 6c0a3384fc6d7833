/** A project of somebody's, with the package in it as npm would install it. */
import { execFile } from "node:child_process"
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { orders } from "../smoke.ts"

const execute = promisify(execFile)
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** Without what the tests of the sources set: the package has to find its own module. */
const env = { ...process.env, MILLRACE_WASM: undefined }

export class Scratch {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Pack what is in dist, and unpack it into a new project. */
  static async make(): Promise<Scratch> {
    const scratch = new Scratch(await mkdtemp(join(tmpdir(), "millrace-package-")))
    const installed = join(scratch.folder, "node_modules", "millrace")
    await mkdir(installed, { recursive: true })
    const pack = ["pack", "--offline", "--ignore-scripts", "--json", "--pack-destination"]
    const { stdout } = await execute("npm", [...pack, scratch.folder], { cwd: path("../..") })
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
    await execute("tar", ["-xzf", filename, "-C", installed, "--strip-components=1"], {
      cwd: scratch.folder,
    })
    await scratch.write("orders.json", JSON.stringify(orders))
    await copyFile(path("../fixtures/smoke.js"), scratch.at("smoke.mjs"))
    for (const name of ["consumer.mjs", "consumer.cjs"]) {
      await copyFile(path(name), scratch.at(name))
    }
    return scratch
  }

  at(name: string): string {
    return join(this.folder, name)
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(this.at(name), text)
  }

  /** What a program of the project prints. */
  run(...args: string[]): Promise<string> {
    return this.runIn(process.execPath, ...args)
  }

  /** The same in another Node. */
  async runIn(node: string, ...args: string[]): Promise<string> {
    const options = { cwd: this.folder, env, maxBuffer: 16 << 20 }
    const { stdout } = await execute(node, args, options).catch(withOutput)
    return stdout
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }
}

/** A program that failed may have said why on its standard output. */
function withOutput(error: unknown): never {
  const { message, stdout } = error as Error & { stdout?: string }
  throw new Error(`${message}\n${stdout ?? ""}`, { cause: error })
}
