// Findings as SARIF 2.1.0. Called by scan_javascript.mjs.

const LEVELS = { high: "error", medium: "warning", low: "note" };
const SCORES = { high: "8.0", medium: "5.5", low: "3.0" };

function describe(finding) {
  return {
    id: finding.rule,
    shortDescription: { text: finding.description },
    ...(finding.help ? { helpUri: finding.help } : {}),
    defaultConfiguration: { level: LEVELS[finding.severity] },
    properties: {
      tags: ["security", `external/cwe/cwe-${finding.cwe}`],
      "security-severity": SCORES[finding.severity],
    },
  };
}

function place(finding) {
  const region = { startLine: finding.line, startColumn: finding.column };
  if (finding.endLine) Object.assign(region, { endLine: finding.endLine, endColumn: finding.endColumn });
  const uri = finding.file.split("/").map(encodeURIComponent).join("/");
  return { physicalLocation: { artifactLocation: { uri }, region } };
}

/** Write findings, those accepted in the code too, as one run of one tool. */
export function sarif(findings, version) {
  const rules = [...new Map(findings.map((finding) => [finding.rule, describe(finding)])).values()];
  const results = findings.map((finding) => ({
    ruleId: finding.rule,
    ruleIndex: rules.findIndex((rule) => rule.id === finding.rule),
    level: LEVELS[finding.severity],
    message: { text: finding.message },
    locations: [place(finding)],
    suppressions: finding.accepted ? [{ kind: "inSource", justification: finding.accepted }] : [],
  }));
  const driver = { name: "ESLint for security", informationUri: "https://eslint.org", version, rules };
  const run = { tool: { driver }, columnKind: "utf16CodeUnits", results };
  return (
    JSON.stringify(
      { $schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs: [run] },
      null,
      2,
    ) + "\n"
  );
}
