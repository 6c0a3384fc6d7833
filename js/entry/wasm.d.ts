/** What importing the module gives: compiled by the host, or as text by tsdown.config.ts. */
declare module "*.wasm" {
  const module: WebAssembly.Module
  export { module as default }
}

declare module "*.wasm?module" {
  const module: WebAssembly.Module
  export { module as default }
}

declare module "*.wasm?base64" {
  const base64: string
  export { base64 as default }
}
