import { defineConfig } from "tsdown"

/** One file per entry, flat in dist/, beside millrace.wasm, for ESM and for CommonJS. */
export default defineConfig({
  entry: { index: "js/index.ts", "storage-file": "js/storage/file.ts" },
  format: ["esm", "cjs"],
  platform: "node",
  target: "node20",
  dts: true,
  sourcemap: true,
  fixedExtension: true,
})
