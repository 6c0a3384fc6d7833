/** How Vite serves the page, and builds it: into build/, as all that is made. */
import { fileURLToPath } from "node:url"
import { defineConfig } from "vite"

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export default defineConfig({
  root: path("."),
  cacheDir: path("../../build/vite"),
  server: { host: "127.0.0.1", fs: { allow: [path("../..")] } },
  // Known from the start: else the page is loaded again when Vite comes upon them.
  optimizeDeps: {
    include: ["d3-dsv", "d3-geo", "hyparquet", "hyparquet-compressors", "topojson-client", "uplot"],
  },
  build: { outDir: path("../../build/dashboard"), emptyOutDir: true },
  worker: { format: "es" },
})
