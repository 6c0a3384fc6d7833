import js from "@eslint/js"
import tseslint from "typescript-eslint"

const forbidden = [
  { selector: "ExportDefaultDeclaration", message: "Export by name." },
  { selector: "TSEnumDeclaration", message: "Use a union of literals." },
]

/** The recommended checks, with types; beside them what STYLE asks and a tool can see. */
export default tseslint.config(
  { ignores: ["dist/", "build/", "node_modules/"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      eqeqeq: "error",
      "no-restricted-syntax": ["error", ...forbidden],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_$" }],
      "@typescript-eslint/require-await": "off", // An interface may ask for a promise.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  { files: ["js/**", "demo/**"], rules: { "max-lines-per-function": ["error", 70] } },
  { files: ["**/*.config.[jt]s"], rules: { "no-restricted-syntax": "off" } },
  {
    files: ["**/*.{js,mjs,cjs}"],
    languageOptions: { globals: { console: "readonly", process: "readonly", URL: "readonly" } },
  },
  {
    files: ["test/{browser,edge}/*.js", "demo/edge/*.js"],
    languageOptions: {
      globals: Object.fromEntries(
        [
          ...["Event", "EventTarget", "Response", "Worker", "atob", "btoa", "clearTimeout"],
          ...["document", "fetch", "location", "navigator", "scheduler", "setTimeout"],
        ].map((name) => [name, "readonly"]),
      ),
    },
  },
  { files: ["**/*.cjs"], languageOptions: { sourceType: "commonjs" } },
)
