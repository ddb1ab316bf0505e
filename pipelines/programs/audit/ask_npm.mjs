// Ask the package registry for advisories with `npm audit`: ask_npm.mjs FOLDER ANSWER
//
// FOLDER holds package.json and package-lock.json, and perhaps .npmrc, which names the registry. A registry that answers but
// has no advisories would make everything look clean, so a package that certainly has one is asked about as well.
//
// Ends with 0 when ANSWER was written, also when it says why there is none, and with 2 on wrong usage.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";

const LOCK = "package-lock.json";
const SECONDS = 60;
const PATIENCE = [
  `--fetch-timeout=${1000 * Number(process.env.AUDIT_PATIENCE_SECONDS ?? "10")}`,
  ...["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=1000"],
];
/** Abandoned, and dangerous in every version: its one advisory is critical and will never be fixed. */
const CANARY = {
  name: "node-serialize",
  version: "0.0.4",
  integrity:
    "sha512-Q7krX4keanOtqYrNWGlTWk0jSYPewtMpzs5AoV0NieqTtQkLRGq5e0R+iuTA3npbpk7B1zJy6dZ7o9wmmuEYmA==",
};

function read(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}

/** Copy what npm reads, with the canary among the dependencies. */
function withCanary(folder, copy) {
  const manifest = read(path.join(folder, "package.json"));
  const lock = read(path.join(folder, LOCK));
  const dependencies = { ...manifest.dependencies, [CANARY.name]: CANARY.version };
  const root = {
    ...lock.packages[""],
    dependencies: { ...lock.packages[""]?.dependencies, [CANARY.name]: CANARY.version },
  };
  const packages = {
    ...lock.packages,
    "": root,
    [`node_modules/${CANARY.name}`]: { version: CANARY.version, integrity: CANARY.integrity },
  };
  writeFileSync(path.join(copy, "package.json"), JSON.stringify({ ...manifest, dependencies }));
  writeFileSync(path.join(copy, LOCK), JSON.stringify({ ...lock, packages }));
  if (existsSync(path.join(folder, ".npmrc")))
    copyFileSync(path.join(folder, ".npmrc"), path.join(copy, ".npmrc"));
}

/** Run npm; give its report, or the reason why there is none. */
function ask(copy) {
  const done = spawnSync(
    "npm",
    ["audit", "--json", "--package-lock-only", "--no-update-notifier", ...PATIENCE],
    {
      cwd: copy,
      encoding: "utf8",
      timeout: SECONDS * 1000,
      killSignal: "SIGKILL",
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  if (done.error) {
    const late = done.error.code === "ETIMEDOUT";
    return {
      report: null,
      reason: late
        ? `npm had no answer within ${SECONDS} seconds`
        : `npm cannot be run: ${done.error.message}`,
    };
  }
  const last = done.stderr.trim().split("\n").at(-1).trim();
  try {
    const report = JSON.parse(done.stdout);
    if (report.auditReportVersion === 2) return { report, reason: "" };
    return { report: null, reason: report.message || report.error?.summary || last || "npm gave no report" };
  } catch {
    return { report: null, reason: last || `npm ended with exit code ${done.status}` };
  }
}

/** Say why a report is none; empty when it is one. */
function fault(report) {
  if (report.vulnerabilities[CANARY.name]) return "";
  return `the registry gives no advisories: it knows of none about ${CANARY.name} ${CANARY.version}, which has a critical one`;
}

/** Read the first version without the weakness from a range, `>=1.0.0 <1.2.3`; empty when it names none. */
function fixedIn(range) {
  const ends = [...String(range).matchAll(/<\s*(\d[^\s|,]*)/g)].map((match) => match[1]);
  return [...new Set(ends)].join(", ");
}

function findings(report, lock, lines) {
  const found = [];
  for (const { name, nodes, via } of Object.values(report.vulnerabilities)) {
    const places = nodes.filter((node) => lock.packages[node]);
    for (const advisory of via.filter((each) => typeof each === "object")) {
      if (places.length === 0) continue;
      const entries = places.map((node) => lock.packages[node]);
      found.push({
        package: name,
        version: [...new Set(entries.map((entry) => entry.version))].join(", "),
        id: /GHSA(-[0-9a-z]{4}){3}/.exec(advisory.url ?? "")?.[0] ?? `npm-${advisory.source}`,
        aliases: [],
        severity: advisory.severity,
        fixed: fixedIn(advisory.range),
        summary: advisory.title,
        url: advisory.url ?? "",
        development: entries.every((entry) => entry.dev === true),
        file: LOCK,
        line: lines.findIndex((line) => line.includes(`"${places[0]}": {`)) + 1,
      });
    }
  }
  return found;
}

function main(folder, answer) {
  for (const name of ["package.json", LOCK]) {
    if (!existsSync(path.join(folder, name))) {
      console.error(`there is no ${name}`);
      return 2;
    }
  }
  const text = readFileSync(path.join(folder, LOCK), "utf8");
  const lock = JSON.parse(text);
  if (!lock.packages) {
    console.error(
      `${LOCK} has the form of npm 6 (lockfileVersion ${lock.lockfileVersion}): write it anew with npm 7 or later`,
    );
    return 2;
  }
  const copy = mkdtempSync(path.join(tmpdir(), "audit-"));
  try {
    withCanary(folder, copy);
    const { report, reason } = ask(copy);
    const told = {
      tool: "npm audit",
      reason: report ? fault(report) : reason,
      packages: Object.keys(lock.packages).filter((place) => place).length,
      findings: report ? findings(report, lock, text.split("\n")) : [],
    };
    writeFileSync(answer, JSON.stringify(told));
    return 0;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

const [folder, answer, ...more] = process.argv.slice(2);
if (!answer || more.length > 0) {
  console.error("usage: ask_npm.mjs FOLDER ANSWER");
  process.exitCode = 2;
} else {
  try {
    process.exitCode = main(folder, answer);
  } catch (error) {
    console.error(`the audit itself failed: ${error.message}`);
    process.exitCode = 2;
  }
}
