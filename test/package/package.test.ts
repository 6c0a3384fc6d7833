/** The package as npm packs it, in a project of somebody's: no network, no build, no sources. */
import { existsSync } from "node:fs"
import { copyFile, readdir, readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { build } from "vite"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { expected } from "../smoke.ts"
import { Scratch } from "./scratch.ts"

let scratch: Scratch
beforeAll(async () => {
  scratch = await Scratch.make()
})
afterAll(() => scratch.remove())

const inPackage = (name: string) => scratch.at(`node_modules/millrace/${name}`)

const compiler = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url))

/** Every text in a value of JSON. */
function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value]
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : []
}

/** The first group of every match, sorted, each once. */
const groupsOf = (text: string, pattern: RegExp) =>
  [...new Set([...text.matchAll(pattern)].map(([, group = ""]) => group))].sort()

describe("the package", () => {
  it("has every file that it names, and needs no other package", async () => {
    const text = await readFile(inPackage("package.json"), "utf8")
    const manifest = JSON.parse(text) as Record<string, unknown>
    const { main, bin, types, exports, sideEffects, dependencies, scripts } = manifest
    const named = textsOf([main, bin, types, exports, sideEffects])
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter((name) => !existsSync(inPackage(name)))).toEqual([])
    const atInstall = Object.keys(scripts ?? {}).filter((name) => /install|prepare/.test(name))
    expect([dependencies, atInstall]).toEqual([undefined, []])
  })

  it("has the licence of every library whose code it took", async () => {
    const files = await readdir(inPackage("dist"))
    const code = files.filter((name) => /\.[cm]js$/.test(name))
    const texts = await Promise.all(code.map((name) => readFile(inPackage(`dist/${name}`), "utf8")))
    const taken = groupsOf(texts.join("\n"), /^\/\/#region node_modules\/((?:@[^/]+\/)?[^/]+)/gm)
    const licences = await readFile(inPackage("dist/LICENSES.txt"), "utf8")
    expect(groupsOf(licences, /^== (.*)$/gm)).toEqual(taken)
    expect(licences).toMatch(/Apache License.*ISC License/s)
  })

  it("runs as a module, and as CommonJS", async () => {
    const [esm, cjs] = [await scratch.run("consumer.mjs"), await scratch.run("consumer.cjs")]
    expect(JSON.parse(esm)).toEqual(expected)
    expect(JSON.parse(cjs)).toEqual(expected)
  })
})

describe("the command of the package", () => {
  it("looks into a savepoint, and into a folder that does not know it", async () => {
    await copyFile(new URL("../golden/savepoint-1.bin", import.meta.url), scratch.at("state.bin"))
    const npx = (...args: string[]) =>
      scratch.run("node_modules/millrace/dist/cli.mjs", "inspect", ...args)
    expect(await npx("state.bin", "--state", "reduce-1", "--key", "7")).toBe(
      "state.bin: a savepoint of format 1, 9,578 B\n\nreduce-1: 1 row\n" +
        "key  value\n───  ────────────────────────\n" +
        '7    {"id":7,"n":13,"at":111}\n',
    )
    await expect(npx(".")).rejects.toThrow("holds files that are not Millrace's")
  })
})

describe("the entries of the package", () => {
  const drivers = ["file", "indexeddb", "durable-object", "encrypted", "level", "sqlite"]
  const entries = [
    ...["millrace", "millrace/slim", "millrace/testing", "millrace/worker"],
    ...drivers.map((name) => `millrace/storage/${name}`),
  ]
  const check = `
    const [all, slim, { play, event }, { serveJob }, ...drivers] = packages
    const refused = (f, given) => {
      try { f(given) } catch (error) { return error instanceof all.MillraceError && error.code }
    }
    const codeOf = (driver) =>
      refused(Object.values(driver).find((each) => typeof each === "function"), "")
    console.log(JSON.stringify([
      slim.Stream === all.Stream,
      slim.MillraceError === all.MillraceError,
      refused(serveJob, () => 0),
      ...drivers.map(codeOf),
      typeof play(() => all.from([]), [event(1)]).then,
    ]))`

  it("share one core: the class of a stream or an error is the same in all", async () => {
    const names = JSON.stringify(entries)
    await scratch.write(
      "same.mjs",
      `const packages = await Promise.all(${names}.map((name) => import(name)))\n${check}`,
    )
    await scratch.write("same.cjs", `const packages = ${names}.map(require)\n${check}`)
    const same = [true, true, "OPTION", ...drivers.map(() => "OPTION"), "function"]
    expect(JSON.parse(await scratch.run("same.mjs"))).toEqual(same)
    expect(JSON.parse(await scratch.run("same.cjs"))).toEqual(same)
  })

  const conditions: [string[], string][] = [
    [["workerd", "worker", "browser"], "workerd"], // As wrangler asks.
    [["edge-light", "browser"], "edge-light"],
    [["browser"], "browser"],
    [["deno"], "inline"], // Where reading a file or the environment would need a permission.
    [[], "node"],
  ]

  it.each(conditions)("are found by the conditions of a runtime: %j", async (given, entry) => {
    await scratch.write("where.mjs", 'console.log(import.meta.resolve("millrace"))')
    const flags = given.map((condition) => `--conditions=${condition}`)
    const found = await scratch.run(...flags, "where.mjs")
    expect(found).toMatch(new RegExp(`/millrace/dist/${entry}\\.mjs\n$`))
  })

  it("run slim on the module that the package exports", async () => {
    const program = `
      const letters = millrace.from(["a", "b", "a"]).keyBy((each) => each).deduplicate()
      letters.toArray().then((found) => console.log(found.join()))`
    await scratch.write(
      "slim.mjs",
      `import { copyFile, readdir, readFile } from "node:fs/promises"
      import * as millrace from "millrace/slim"
      millrace.useModule(readFile(new URL(import.meta.resolve("millrace/millrace.wasm"))))
      ${program}`,
    )
    await scratch.write(
      "slim.cjs",
      `const { readFileSync } = require("node:fs")
      const millrace = require("millrace/slim")
      millrace.useModule(readFileSync(require.resolve("millrace/millrace.wasm")))
      ${program}`,
    )
    expect(await scratch.run("slim.mjs")).toBe("a,b\n")
    expect(await scratch.run("slim.cjs")).toBe("a,b\n")
  })

  it("run on the copy of the module inside the code by default", async () => {
    const rows = await scratch.run("consumer.mjs", "./node_modules/millrace/dist/inline.mjs")
    expect(JSON.parse(rows)).toEqual(expected)
  })

  const nodeFiles = ["node:crypto", "node:fs/promises", "node:path", "node:worker_threads"]
  const known: [string, string[]][] = [
    ["node", ["node:fs/promises"]],
    ["browser", []],
    ["workerd", ["./millrace.wasm"]],
    ["edge-light", ["./millrace.wasm?module"]],
    ["inline", []],
    ["slim", []],
    ["worker", []],
    ["storage-indexeddb", []],
    ["storage-durable-object", []],
    ["storage-encrypted", []],
    ["storage-level", []],
    ["storage-sqlite", []],
    ["storage-file", nodeFiles],
    ["cli", ["millrace", ...nodeFiles, "node:fs", "node:util"].sort()],
  ]

  it.each(known)("import nothing but what their runtime has: %s", async (entry, outside) => {
    expect(await importsOf(`${entry}.mjs`)).toEqual(outside)
  })

  /** What a file of the package, and the files that it imports, want from outside. */
  async function importsOf(entry: string): Promise<string[]> {
    const files = new Set([entry])
    const outside = new Set<string>()
    for (const file of files) {
      const code = stripComments(await readFile(inPackage(`dist/${file}`), "utf8"))
      const imports = code.matchAll(/(?:^import [^;]*?|\bimport\()"([^"]+)"/gm)
      for (const [, name = ""] of imports) {
        if (/^\.\/[\w-]+\.mjs$/.test(name)) files.add(name.slice(2))
        else outside.add(name)
      }
    }
    return [...outside].sort()
  }
})

const stripComments = (code: string) => code.replace(/^\s*\/\*\*[^]*?\*\/$/gm, "")

describe("the types of the package", () => {
  const program = `
    import { count, from, run, sum } from "millrace"
    import { useModule } from "millrace/slim"
    import { fileStorage } from "millrace/storage/file"
    import { indexedDbStorage } from "millrace/storage/indexeddb"
    import { durableObjectStorage } from "millrace/storage/durable-object"
    import { encrypted } from "millrace/storage/encrypted"
    import { levelStorage } from "millrace/storage/level"
    import { sqliteStorage } from "millrace/storage/sqlite"
    import { storageContract } from "millrace/testing"
    import { serveJob, startJob } from "millrace/worker"

    useModule(new Uint8Array(8))
    const orders = from([{ user: "ada", price: 5 }])
    const totals = orders.keyBy("user").aggregate({ orders: count(), spent: sum("price") })
    const storages = [fileStorage("state"), indexedDbStorage("state")] as const
    export const checks = storageContract(() => encrypted(storages[0], new Uint8Array(32)))
    export const given = [durableObjectStorage, levelStorage, sqliteStorage]
    export const job = run(totals, { storage: storages[0] })
    export const served = serveJob(() => job)
    export const remote = (port: MessagePort) => startJob<typeof served>(port)
    export async function spent() {
      await using open = await job
      for await (const { key, spent } of open) return [key, spent] satisfies [string, number]
      return []
    }
    // @ts-expect-error There is no such field.
    orders.keyBy("usr")`

  it("are whole, as a module and as CommonJS, for a compiler that skips nothing", async () => {
    await scratch.write("program.mts", program)
    await scratch.write("program.cts", program)
    const compilerOptions = {
      ...{ module: "nodenext", target: "es2022", lib: ["es2022", "dom"], types: [] },
      ...{ strict: true, noEmit: true, skipLibCheck: false },
    }
    const files = ["program.mts", "program.cts"]
    await scratch.write("tsconfig.json", JSON.stringify({ compilerOptions, files }))
    expect(await scratch.run(compiler)).toBe("")
  })
})

describe("a bundle", () => {
  it("of a server takes the module along, though not its file", async () => {
    await scratch.write(
      "server.mjs",
      `import { from } from "millrace"
      const letters = from(["a", "b", "a"]).keyBy((each) => each).deduplicate()
      for await (const letter of letters) console.log(letter)`,
    )
    await build({
      root: scratch.folder,
      logLevel: "error",
      ssr: { noExternal: true },
      build: { ssr: "server.mjs", outDir: "bundle" },
    })
    expect(await scratch.run("bundle/server.mjs")).toBe("a\nb\n")
  })
})
