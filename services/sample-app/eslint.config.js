/** Lint rules; types are TypeScript's business (`tsconfig.json`), layout is Prettier's. */
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["reports/"] },
  js.configs.recommended,
  {
    languageOptions: { globals: globals.nodeBuiltin },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-console": "error",
      "no-shadow": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
];
