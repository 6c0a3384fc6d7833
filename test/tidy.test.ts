/**
 * Rules about the source tree that a compiler does not know: what both modules export and
 * import, which file may include which, how long things may be, and what no file may say.
 */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { basename } from "node:path"
import { describe, expect, it } from "vitest"
import * as abi from "../js/engine/abi.ts"

const root = new URL("..", import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), "utf8")

/** What git knows or would add: nothing that was built. */
const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root })
  .toString()
  .split("\n")
  .filter((path) => path !== "" && existsSync(new URL(path, root)))

const ofC = files.filter((path) => /^(c|wasm|test\/c)\/.*\.[ch]$/.test(path))
const ofTypeScript = files.filter((path) => /\.[cm]?[jt]s$/.test(path))
const engine = ofC.filter((path) => path.startsWith("c/"))

const withoutComments = (text: string) =>
  text.replace(/\/\*[^]*?\*\//g, (comment) => comment.replace(/[^\n]/g, "")).replace(/\/\/.*/g, "")

/** The first group of every match. */
const matches = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, group = ""]) => group)

/** "path:line" of every line that `wrong` matches. */
const linesOf = (path: string, text: string, wrong: RegExp) =>
  text.split("\n").flatMap((line, index) => (wrong.test(line) ? [`${path}:${index + 1}`] : []))

describe("the border", () => {
  const header = withoutComments(
    ["_pattern", "_session", ""].map((part) => read(`c/millrace${part}.h`)).join(""),
  )
  const api = matches(header, /^MR_API\b[^;]*?\b(mr_\w+)\(/gm)
  const module = (name: string) =>
    new WebAssembly.Module(readFileSync(new URL(`build/${name}/millrace.wasm`, root)))
  const exportsOf = (name: string) =>
    WebAssembly.Module.exports(module(name))
      .map((each) => each.name)
      .sort()
  const importsOf = (name: string) =>
    WebAssembly.Module.imports(module(name)).map((each) => `${each.module}.${each.name}`)

  const extras = {
    wasi: ["_initialize", "memory"],
    ubsan: ["_initialize", "memory"],
    emscripten: [
      "__errno_location",
      "__indirect_function_table",
      "_initialize",
      "memory",
      "stackAlloc",
      "stackRestore",
      "stackSave",
    ],
  }

  it.each(["wasi", "ubsan", "emscripten"] as const)("%s exports MR_API and no more", (name) => {
    expect(exportsOf(name)).toEqual([...api, ...extras[name]].sort())
  })

  it("needs nothing from its host but, under Emscripten, a note that memory grew", () => {
    expect(importsOf("wasi")).toEqual([])
    expect(importsOf("ubsan")).toEqual([])
    expect(importsOf("emscripten")).toEqual(["env.emscripten_notify_memory_growth"])
  })

  it("has every constant of the header in abi.ts", () => {
    const inHeader = matches(header, /\benum\b[^{]*\{([^}]*)\}/g).flatMap((body) =>
      matches(body, /\bMR_(\w+)\s*[=,]/g),
    )
    const { layouts: _, ...groups } = abi
    expect(
      Object.values(groups)
        .flatMap((group) => Object.keys(group))
        .sort(),
    ).toEqual(inHeader.sort())
  })

  it("has every structure of the header in abi.ts, field by field", () => {
    const inHeader = [...header.matchAll(/typedef struct mr_(\w+) \{([^}]*)\}/g)].map(
      ([, name = "", body = ""]) => [name, matches(body, /(\w+)(?:\[\w+\])?;/g)],
    )
    const inAbi = Object.entries(abi.layouts).map(([name, { at }]) => [name, Object.keys(at)])
    expect(Object.fromEntries(inAbi)).toEqual(Object.fromEntries(inHeader))
  })
})

describe("C", () => {
  /** Floor by floor: a file includes what lies on its own floor or below. */
  const floors = [
    ["millrace", "millrace_pattern", "millrace_session", "common"],
    ["error", "alloc", "bytes", "handle", "hash", "table", "wheel", "queue"],
    ["batch"],
    ["agg/*"],
    ["ref", "dirty", "row", "kept", "cell", "find", "lru", "timer", "entries", "bucket"],
    ["list"],
    ["runs", "ranks", "slices", "scan", "save"],
    ["operator"],
    ["op/*", "exports"],
    ["engine", "engine_rows"],
  ]
  const room = (path: string) => path.replace(/^c\//, "").replace(/\.[ch]$/, "")
  const floor = (path: string) =>
    floors.findIndex((rooms) => rooms.includes(room(path).replace(/^(op|agg)\/.*/, "$1/*")))
  const includesOf = (path: string) =>
    matches(read(path), /^#include "([^"]+)"/gm).map((each) =>
      new URL(each, new URL(path, "file:///")).pathname.slice(1),
    )

  it("gives every file a floor", () => {
    expect(engine.filter((path) => floor(path) < 0)).toEqual([])
  })

  it("includes downwards only", () => {
    const upwards = engine.flatMap((path) =>
      includesOf(path)
        .filter((each) => floor(each) > floor(path))
        .map((each) => `${path} includes ${each}`),
    )
    expect(upwards).toEqual([])
  })

  /** op/window_count.c is a part of op/window. */
  const isPartOf = (path: string, whole: string) =>
    room(path) === room(whole) || room(path).startsWith(`${room(whole)}_`)

  it("has no operator that includes another", () => {
    const sideways = engine
      .filter((path) => path.startsWith("c/op/"))
      .filter((path) =>
        includesOf(path).some((each) => each.startsWith("c/op/") && !isPartOf(path, each)),
      )
    expect(sideways).toEqual([])
  })

  it("grows memory in the allocator alone", () => {
    const growing = engine.filter((path) => withoutComments(read(path)).includes("mr_host_grow"))
    expect(growing).toEqual(["c/alloc.c", "c/alloc.h"])
  })

  it("calls nothing of libc that brings in a host, a clock or another allocator", () => {
    const calls = /(?<![\w.>])(assert|\w*printf|[mc]alloc|realloc|free|abort|exit|time|rand)\s*\(/
    const found = engine.flatMap((path) => linesOf(path, withoutComments(read(path)), calls))
    expect(found).toEqual([])
  })

  it("says in the first line of a file what it is", () => {
    const silent = ofC.filter((path) => !read(path).startsWith(`/* ${basename(path)} -- `))
    expect(silent).toEqual([])
  })

  it("has functions of at most 70 lines", () => {
    const long = engine.flatMap((path) => {
      let start = 0
      return read(path)
        .split("\n")
        .flatMap((line, index) => {
          if (/^\w/.test(line)) start = index
          return line === "}" && index - start >= 70 ? [`${path}:${start + 1}`] : []
        })
    })
    expect(long).toEqual([])
  })
})

describe("TypeScript", () => {
  const ofPackage = ofTypeScript.filter((path) => path.startsWith("js/"))
  const importsOf = (path: string) =>
    matches(withoutComments(read(path)), /\bfrom "(\.[^"]+)"/g).map((each) =>
      new URL(each, new URL(path, "file:///")).pathname.slice(1),
    )
  const importsFrom = (here: (path: string) => boolean, wrong: (path: string) => boolean) =>
    ofPackage.filter(here).flatMap((path) =>
      importsOf(path)
        .filter(wrong)
        .map((each) => `${path} imports ${each}`),
    )
  const isEngine = (path: string) => path.startsWith("js/engine/")
  const isLeaf = (path: string) => /^js\/(storage\/|(codec\w*|errors|duration)\.ts$)/.test(path)

  it("has drivers, codec, errors and durations that import only each other", () => {
    expect(importsFrom(isLeaf, (path) => !isLeaf(path))).toEqual([])
  })

  it("has an engine that knows nothing of what stands on it", () => {
    const above = /^js\/((operators|sources|sinks|entry)\/|(index|stream|keyed|job|run)\.ts$)/
    expect(importsFrom(isEngine, (path) => above.test(path))).toEqual([])
  })

  it("has nothing of one runtime outside of entries and drivers", () => {
    const isEntry = (path: string) => path.startsWith("js/entry/")
    expect(importsFrom((path) => !isEntry(path), isEntry)).toEqual([])
    const ofNode = ofPackage.filter((path) => /\bfrom "node:/.test(withoutComments(read(path))))
    expect(ofNode.filter((path) => !/^js\/(entry|storage)\//.test(path))).toEqual([])
  })

  it("touches WebAssembly memory and exports in js/engine alone", () => {
    const touches = /\bmemory\.buffer\b|\.mr_\w+\(/
    const found = ofPackage
      .filter((path) => !isEngine(path))
      .flatMap((path) => linesOf(path, withoutComments(read(path)), touches))
    expect(found).toEqual([])
  })
})

describe("every file", () => {
  const isText = (path: string) => /\.(c|h|[cm]?[jt]s|json|md|mk|yml)$|^[^.]*$|^\.[^/]*$/.test(path)
  const sources = [...ofC, ...ofTypeScript]

  it("has a length that one can read: 600 lines of C, 300 of TypeScript", () => {
    const long = sources.filter(
      (path) => read(path).split("\n").length - 1 > (/\.[ch]$/.test(path) ? 600 : 300),
    )
    expect(long).toEqual([])
  })

  it("has lines of at most 100 columns", () => {
    expect(sources.flatMap((path) => linesOf(path, read(path), /^.{101}/u))).toEqual([])
  })

  it("names no package registry and no place on somebody's machine", () => {
    const wrong = [
      /\bregistry\.(npmjs|yarnpkg)\b|\bdeb\.debian\.org\b|\bpypi\.org\b/,
      /(?<![\w.*$}\])])\/(work|home|root|Users)\/\w/,
    ]
    const found = files
      .filter(isText)
      .flatMap((path) => wrong.flatMap((pattern) => linesOf(path, read(path), pattern)))
    expect(found).toEqual([])
  })

  it("leaves nothing for later in a comment, and no test switched off or alone", () => {
    const wrong = /\b(TO[D]O|FIX[M]E)\b|\b(it|describe|test)\.(only|skip|todo)\b/
    expect(sources.flatMap((path) => linesOf(path, read(path), wrong))).toEqual([])
  })
})
