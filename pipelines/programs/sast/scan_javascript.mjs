// Look for weaknesses in JavaScript, TypeScript and Angular templates: scan_javascript.mjs FOLDER SARIF
//
// FOLDER is below the working directory, whose paths the report names. Ends with 0 when nothing grave was found, with 1 when
// something of medium severity or above was, and with 2 when it could not look: a file that cannot be parsed is not clean.
// A finding is accepted by a comment on its line or the one before: `nosec RULE -- the reason`. Both words are needed.
// A line that may hold a password or key is not shown: whoever reads a report must not learn it.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { ESLint, Linter } from "eslint";
import { CONFIG, KNOWN, SECRETS } from "./rules.mjs";
import { sarif } from "./sarif.mjs";

const FILES = "**/*.{js,mjs,cjs,jsx,ts,mts,cts,tsx,html}";
const ORDER = ["high", "medium", "low"];
const HIDDEN = "(not shown)";
const ACCEPTED = /(?:\/\/|\/\*|<!--)\s*nosec\s+([\w@/-]+)\s+--\s+(\S.*?)\s*(?:\*\/|-->)?\s*$/;

/** Give the reason why a rule's finding on a line is accepted; empty when it is not. */
function reasonFor(rule, line, lines) {
  for (const text of [lines[line - 1], lines[line - 2]]) {
    const [, named, reason] = ACCEPTED.exec(text ?? "") ?? [];
    if (named === rule) return reason;
  }
  return "";
}

/** Hide the code of every finding that starts in a line where a secret may stand; no rule's words hold its value. */
function censored(findings) {
  const secrets = findings.filter((finding) => SECRETS.has(finding.rule));
  const holds = (secret, { file, line }) =>
    secret.file === file && secret.line <= line && line <= (secret.endLine ?? secret.line);
  return findings.map((finding) => ({
    ...finding,
    code: secrets.some((secret) => holds(secret, finding)) ? HIDDEN : finding.code,
  }));
}

/** One weakness in one line is one finding, whichever rules see it: the gravest stays. */
function withoutRepetitions(findings) {
  const kept = new Map();
  for (const finding of findings) {
    const key = `${finding.file}:${finding.line}:${finding.cwe}`;
    const before = kept.get(key);
    if (!before || ORDER.indexOf(finding.severity) < ORDER.indexOf(before.severity)) kept.set(key, finding);
  }
  return [...kept.values()];
}

function findingsOf(result, meta) {
  const lines = readFileSync(result.filePath, "utf8").split("\n");
  const file = path.relative(process.cwd(), result.filePath);
  return result.messages
    .filter((message) => KNOWN.has(message.ruleId))
    .map((message) => ({
      ...KNOWN.get(message.ruleId),
      file,
      rule: message.ruleId,
      line: message.line,
      column: message.column,
      endLine: message.endLine,
      endColumn: message.endColumn,
      message: message.message,
      code: (lines[message.line - 1] ?? "").trim(),
      description: meta[message.ruleId]?.docs?.description ?? message.ruleId,
      help: meta[message.ruleId]?.docs?.url ?? "",
      accepted: reasonFor(message.ruleId, message.line, lines),
    }));
}

function show(finding) {
  const help = finding.help ? `\n    ${finding.help}` : "";
  const where = `${finding.file}:${finding.line}:${finding.column}`;
  return `${where}  ${finding.severity}  ${finding.rule} (CWE-${finding.cwe})\n    ${finding.message}\n    > ${finding.code}${help}`;
}

async function main(folder, report) {
  const eslint = new ESLint({ cwd: process.cwd(), overrideConfigFile: true, overrideConfig: CONFIG });
  const results = await eslint.lintFiles([`${folder}/${FILES}`]);
  const broken = results.flatMap((result) =>
    result.messages
      .filter((message) => message.fatal)
      .map(
        (message) => `${path.relative(process.cwd(), result.filePath)}:${message.line}: ${message.message}`,
      ),
  );
  const all = results.flatMap((result) => findingsOf(result, eslint.getRulesMetaForResults(results)));
  const findings = withoutRepetitions(censored(all)).sort(
    (one, other) =>
      one.file.localeCompare(other.file, "en") || one.line - other.line || one.column - other.column,
  );
  mkdirSync(path.dirname(report), { recursive: true });
  writeFileSync(report, sarif(findings, Linter.version));
  const open = findings.filter((finding) => !finding.accepted);
  const grave = open.filter((finding) => finding.severity !== "low");
  for (const finding of open) console.log(show(finding));
  const told = `${results.length} files: ${grave.length} findings of medium severity or above, ${open.length - grave.length} below`;
  console.log(`${told}, ${findings.length - open.length} accepted in the code`);
  if (broken.length > 0) {
    console.log(["These could not be read, so they were not judged:", ...broken].join("\n"));
    return 2;
  }
  return grave.length > 0 ? 1 : 0;
}

const [folder, report, ...more] = process.argv.slice(2);
if (!report || more.length > 0) {
  console.error("usage: scan_javascript.mjs FOLDER SARIF");
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await main(folder, report);
  } catch (error) {
    console.error(`the analysis itself failed: ${error.message}`);
    process.exitCode = 2;
  }
}
