/** The tests of dist in the runtimes that it is for: once, whatever module other tests run on. */
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/{browser,edge,package}/*.test.ts"],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
