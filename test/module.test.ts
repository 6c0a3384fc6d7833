import { readFile } from "node:fs/promises"
import { afterEach, describe, expect, it, vi } from "vitest"
import { from, useModule } from "../js/entry/slim.ts"
import type { GivenModule } from "../js/entry/slim.ts"
import { loadModule, loadWith } from "../js/module.ts"
import { errorFrom, guardRejections } from "./probe.ts"

guardRejections()

const file = process.env["MILLRACE_WASM"] ?? "dist/millrace.wasm"
const bytes = Uint8Array.from(await readFile(file))
const usual = await loadModule()

afterEach(() => loadWith(async () => usual))

const program = () =>
  from(["a", "b", "a"])
    .keyBy((letter) => letter)
    .deduplicate()
    .toArray()

describe("useModule", () => {
  const forms: [string, GivenModule | Promise<GivenModule>][] = [
    ["a module", usual],
    ["bytes", bytes],
    ["a buffer", bytes.buffer],
    ["a promise of a module", Promise.resolve(usual)],
    ["a promise of bytes", Promise.resolve(bytes)],
  ]

  it.each(forms)("takes %s", async (_, given) => {
    useModule(given)
    expect(await program()).toEqual(["a", "b"])
  })

  const refused: [string, () => unknown, string][] = [
    ["a text", () => "millrace.wasm", "not a string"],
    ["nothing", () => undefined, "not undefined"],
    ["an answer that was not read", () => new Response("x"), "not a Response"],
    ["bytes of something else", () => Uint8Array.of(1, 2, 3), "loaded: WebAssembly.compile()"],
    ["a download that failed", () => Promise.reject(new Error("no net")), "loaded: no net"],
  ]

  it.each(refused)("makes a job fail with %s", async (_, give, words) => {
    useModule(give() as GivenModule)
    const { code, message } = await errorFrom(program)
    expect([code, message]).toEqual(["MODULE", expect.stringContaining(words)])
  })

  it("is asked for when nobody gave a module", async () => {
    vi.resetModules()
    const slim = await import("../js/entry/slim.ts")
    await expect(slim.from([1]).toArray()).rejects.toMatchObject({
      code: "MODULE",
      message: "millrace/slim has no module yet: call useModule(module)",
    })
  })
})

describe("loading the module", () => {
  it("happens once, and again after a failure", async () => {
    let loads = 0
    loadWith(async () => {
      if (++loads < 3) throw new Error(`load ${loads}`)
      return usual
    })
    const failures = [await errorFrom(loadModule), await errorFrom(loadModule)]
    const loaded = await Promise.all([loadModule(), loadModule(), loadModule()])
    expect(failures.map(({ cause }) => String(cause))).toEqual(["Error: load 1", "Error: load 2"])
    expect([loads, ...loaded]).toEqual([3, usual, usual, usual])
  })

  it.each([
    "WebAssembly.compile(): violates the following Content Security Policy directive",
    "call to WebAssembly.compile() blocked by CSP",
  ])("says what a policy must allow that forbids it: %s", async (said) => {
    loadWith(() => Promise.reject(new Error(said)))
    const allow = "allow it: Content-Security-Policy: script-src 'self' 'wasm-unsafe-eval'"
    const { message } = await errorFrom(loadModule)
    expect(message).toBe(`the WebAssembly module cannot be loaded: ${said} (${allow})`)
  })

  it("fails for all who wait for it", async () => {
    loadWith(() => Promise.reject(new Error("gone")))
    const failures = await Promise.all([errorFrom(loadModule), errorFrom(loadModule)])
    expect(failures.map(({ code }) => code)).toEqual(["MODULE", "MODULE"])
  })
})
