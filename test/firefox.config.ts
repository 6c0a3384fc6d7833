/** The tests of dist in Firefox, which is not everywhere: `make test-firefox`. */
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/firefox/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
