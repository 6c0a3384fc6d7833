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
const newFolder = () => mkdtemp(join(tmpdir(), "millrace-package-"))

/** What npm packs of what is in dist. */
export interface Packed {
  readonly tarball: string
  readonly version: string
  /** Of the tarball, in bytes. */
  readonly size: number
  readonly files: readonly { readonly path: string; readonly size: number }[]
}

export async function pack(folder: string): Promise<Packed> {
  const args = ["pack", "--offline", "--ignore-scripts", "--json", "--pack-destination", folder]
  const { stdout } = await execute("npm", args, { cwd: path("../..") })
  const [{ filename, ...rest }] = JSON.parse(stdout) as [{ filename: string } & Packed]
  return { ...rest, tarball: join(folder, filename) }
}

export class Scratch {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** A new project with the package unpacked, and the smoke test's program. */
  static async make(): Promise<Scratch> {
    const scratch = new Scratch(await newFolder())
    const installed = scratch.at("node_modules/millrace")
    await mkdir(installed, { recursive: true })
    const { tarball } = await pack(scratch.folder)
    await execute("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"])
    await scratch.write("orders.json", JSON.stringify(orders))
    await copyFile(path("../fixtures/smoke.js"), scratch.at("smoke.mjs"))
    for (const name of ["consumer.mjs", "consumer.cjs"]) {
      await copyFile(path(name), scratch.at(name))
    }
    return scratch
  }

  /** A new project into which npm installs the package, and nothing else. */
  static async install(tarball: string): Promise<Scratch> {
    const scratch = new Scratch(await newFolder())
    await scratch.write("package.json", '{ "private": true }')
    const args = ["install", "--offline", "--ignore-scripts", "--no-package-lock", tarball]
    await execute("npm", args, { cwd: scratch.folder })
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

  /** The same in another Node, or by another program. */
  runIn(program: string, ...args: string[]): Promise<string> {
    return output(this.folder, program, ...args)
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }
}

/** What a program prints, with a folder as its own and as its user's. */
export async function output(folder: string, program: string, ...args: string[]): Promise<string> {
  // Without what the tests of the sources set: the package has to find its own module.
  const env = { ...process.env, MILLRACE_WASM: undefined, HOME: folder, NO_COLOR: "1" }
  const options = { cwd: folder, env, maxBuffer: 16 << 20, timeout: 120_000 }
  const { stdout } = await execute(program, args, options).catch(withOutput)
  return stdout
}

/** A program that failed may have said why on its standard output. */
function withOutput(error: unknown): never {
  const { message, stdout } = error as Error & { stdout?: string }
  throw new Error(`${message}\n${stdout ?? ""}`, { cause: error })
}
