// What is looked for in JavaScript, TypeScript and Angular templates, how grave it is, and which weakness (CWE) it is.
//
// Called by scan_javascript.mjs. Every rule of eslint-plugin-security and no-unsanitized stands here, and what
// sonarjs has for security; what is not used stands in LEFT_OUT with the reason.

import angular from "@angular-eslint/eslint-plugin-template";
import templateParser from "@angular-eslint/template-parser";
import typescriptParser from "@typescript-eslint/parser";
import unsanitized from "eslint-plugin-no-unsanitized";
import security from "eslint-plugin-security";
import sonarjs from "eslint-plugin-sonarjs";
import { rules as program } from "./program.mjs";
import { rules as requestData } from "./request_data.mjs";
import { rules as templates } from "./templates.mjs";

/** Rule -> CWE, by how grave a finding is. High and medium ones fail. */
export const RULES = {
  high: {
    "request/code-from-request": 95,
    "request/command-from-request": 78,
    "request/path-from-request": 22,
    "request/redirect-from-request": 601,
    "request/address-from-request": 918,
    "request/html-from-request": 79,
    "request/sql-from-request": 89,
    "request/query-from-request": 943,
    "request/object-from-request": 502,
    "request/pattern-from-request": 1333,
    "request/key-from-request": 1321,
    "no-eval": 95,
    "no-implied-eval": 95,
    "no-new-func": 95,
    "sonarjs/code-eval": 95,
    "sonarjs/os-command": 78,
    "security/detect-child-process": 78,
    "sonarjs/sql-queries": 89,
    "no-unsanitized/method": 79,
    "no-unsanitized/property": 79,
    "sonarjs/no-angular-bypass-sanitization": 79,
    "sonarjs/disabled-auto-escaping": 79,
    "sonarjs/dompurify-unsafe-config": 79,
    "security/detect-disable-mustache-escape": 79,
    "sonarjs/xml-parser-xxe": 611,
    "sonarjs/unverified-certificate": 295,
    "program/certificate-unchecked": 295,
    "sonarjs/unverified-hostname": 297,
    "sonarjs/weak-ssl": 327,
    "sonarjs/no-weak-cipher": 327,
    "sonarjs/no-weak-keys": 326,
    "sonarjs/encryption-secure-mode": 327,
    "sonarjs/insecure-jwt-token": 347,
    "security/detect-bidi-characters": 1007,
  },
  medium: {
    "no-script-url": 79,
    "template/script-address": 79,
    "template/foreign-script": 353,
    "sonarjs/hashing": 328,
    "sonarjs/no-hardcoded-passwords": 798,
    "sonarjs/no-hardcoded-secrets": 798,
    "sonarjs/hardcoded-secret-signatures": 798,
    "sonarjs/insecure-cookie": 614,
    "sonarjs/cookie-no-httponly": 1004,
    "sonarjs/no-session-cookies-on-static-assets": 524,
    "sonarjs/session-regeneration": 384,
    "sonarjs/csrf": 352,
    "security/detect-no-csrf-before-method-override": 352,
    "sonarjs/cors": 942,
    "program/message-for-everyone": 346,
    "sonarjs/content-security-policy": 693,
    "sonarjs/frame-ancestors": 1021,
    "sonarjs/no-mixed-content": 319,
    "sonarjs/no-mime-sniff": 430,
    "sonarjs/no-referrer-policy": 200,
    "sonarjs/strict-transport-security": 319,
    "sonarjs/file-permissions": 732,
    "sonarjs/file-uploads": 434,
    "sonarjs/hidden-files": 538,
    "sonarjs/content-length": 770,
    "sonarjs/no-unsafe-unzip": 409,
    "sonarjs/production-debug": 489,
    "sonarjs/confidential-information-logging": 532,
    "sonarjs/no-ip-forward": 200,
    "sonarjs/slow-regex": 1333,
    "security/detect-possible-timing-attacks": 208,
    "security/detect-pseudoRandomBytes": 338,
    "security/detect-new-buffer": 908,
    "security/detect-buffer-noassert": 119,
    "security/detect-invisible-characters": 1007,
  },
  low: {
    "template/html-binding": 79,
    "sonarjs/pseudo-random": 338,
    "sonarjs/no-clear-text-protocols": 319,
    "sonarjs/publicly-writable-directories": 377, // a container's /tmp is its own
    "sonarjs/link-with-target-blank": 1022,
    "sonarjs/no-os-command-from-path": 426,
    "sonarjs/no-intrusive-permissions": 250,
    "security/detect-non-literal-fs-filename": 22,
    "security/detect-non-literal-regexp": 1333,
    "security/detect-non-literal-require": 95,
  },
};

/** Rules whose findings stand where a password or key may be written out. */
export const SECRETS = new Set([
  "sonarjs/no-hardcoded-passwords",
  "sonarjs/no-hardcoded-secrets",
  "sonarjs/hardcoded-secret-signatures",
  "security/detect-possible-timing-attacks",
]);

/** Rules for security that are not used, and why. */
export const LEFT_OUT = {
  "security/detect-object-injection":
    "hits every `list[index]`; writing to a key that a client names is request/key-from-request",
  "security/detect-eval-with-expression": "the same places as sonarjs/code-eval and no-eval",
  "security/detect-unsafe-regex":
    "counts stars, and hits `[0-9]{1,2}(\\.[0-9]+)?`; sonarjs/slow-regex works out the backtracking",
  "sonarjs/x-powered-by":
    "hits every `express()`, also where `app.disable('x-powered-by')` follows in another file",
  "sonarjs/aws-*": "descriptions of AWS resources in CDK, which no kind of service holds",
  "sonarjs/post-message, sonarjs/disabled-resource-integrity":
    "need the types of a whole program; program/ and template/ have their like",
  "sonarjs/web-sql-database": "no browser has Web SQL any more",
};

const SEVERITIES = Object.entries(RULES).flatMap(([severity, rules]) =>
  Object.entries(rules).map(([name, cwe]) => [name, { severity, cwe }]),
);

/** Rule -> its severity and CWE. */
export const KNOWN = new Map(SEVERITIES);

const plugins = {
  sonarjs,
  security,
  "no-unsanitized": unsanitized,
  program: { rules: program },
  request: { rules: requestData },
  template: { rules: templates },
};
const ofTemplates = (name) => name.startsWith("template/");
const on = (chosen) => Object.fromEntries([...KNOWN.keys()].filter(chosen).map((name) => [name, "error"]));

/** ESLint's configuration. A service's own configuration and directives count for nothing here. */
export const CONFIG = [
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: "off" }, plugins },
  {
    files: ["**/*.{js,mjs,cjs,jsx,ts,mts,cts,tsx}"],
    languageOptions: { parser: typescriptParser, parserOptions: { ecmaFeatures: { jsx: true } } },
    rules: on((name) => !ofTemplates(name)),
  },
  {
    files: ["**/*.ts"],
    plugins: { angular },
    processor: "angular/extract-inline-html",
  },
  { files: ["**/*.html"], languageOptions: { parser: templateParser }, rules: on(ofTemplates) },
];
