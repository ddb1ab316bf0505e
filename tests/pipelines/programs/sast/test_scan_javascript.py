"""scan_javascript.mjs with the pinned ESLint: weaknesses of servers and browsers, and innocent code of the same kind."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.programs.installed import PROGRAMS, node_tool, with_path


@dataclass(frozen=True)
class Scanned:
    """What the program ended with, what it told, and its report."""

    code: int
    told: str
    report: dict[str, Any]

    @property
    def rules(self) -> dict[str, str]:
        """Give the level of each rule that was broken."""
        return {each["ruleId"]: each["level"] for each in self.report["runs"][0]["results"]}

    def rules_of(self, file: str) -> set[str]:
        """Name the rules that one file breaks gravely."""
        found = set()
        for each in self.report["runs"][0]["results"]:
            place = each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            if place == f"services/shop/{file}" and each["level"] != "note":
                found.add(each["ruleId"])
        return found


@pytest.fixture(scope="session")
def eslint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install ESLint with its plugins, and the programs beside it."""
    folder = node_tool("eslint", tmp_path_factory.mktemp("tools"))
    for path in (PROGRAMS / "sast").glob("*.mjs"):
        shutil.copy2(path, folder)
    return folder


@dataclass(frozen=True)
class Scan:
    """A repository with one service."""

    tool: Path
    folder: Path

    def __call__(self, text: str, file: str = "app.js") -> Scanned:
        """Scan one file."""
        return self.all({file: text})

    def all(self, files: dict[str, str]) -> Scanned:
        """Scan files."""
        service = self.folder / "services/shop"
        service.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (service / name).write_text(text)
        program = self.tool / "scan_javascript.mjs"
        done = subprocess.run(
            ["node", program, "services/shop", "out/sast.sarif"],
            cwd=self.folder,
            env=with_path(),
            capture_output=True,
            text=True,
            check=False,
        )
        report = self.folder / "out/sast.sarif"
        read = json.loads(report.read_text()) if report.is_file() else {}
        return Scanned(done.returncode, done.stdout + done.stderr, read)


@pytest.fixture
def scan(eslint: Path, tmp_path: Path) -> Scan:
    """Give the scan of a repository."""
    return Scan(eslint, tmp_path)


IMPORTS = """\
import { exec, execFile } from "node:child_process";
import fs from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import vm from "node:vm";
import express from "express";
import { query } from "./database.js";
const fsp = fs.promises;
const app = express();
"""
SERVER = {
    "res.json(eval(req.query.x));": "request/code-from-request",
    "res.json(vm.runInNewContext(req.body.code));": "request/code-from-request",
    "setTimeout(req.query.x, 10);": "request/code-from-request",
    "exec(`ping ${req.query.host}`, () => res.end());": "request/command-from-request",
    "const { file } = req.body; execFile(file, () => res.end());": "request/command-from-request",
    "res.sendFile(req.query.p);": "request/path-from-request",
    "fs.readFile('/data/' + req.params.name, () => res.end());": "request/path-from-request",
    "const p = path.join('/data', req.query.p); await readFile(p);": "request/path-from-request",
    "await fs.promises.unlink(String(req.query.p));": "request/path-from-request",
    "res.redirect(req.query.to);": "request/redirect-from-request",
    "res.redirect(302, req.get('Referer'));": "request/redirect-from-request",
    "await fetch(req.query.url);": "request/address-from-request",
    "await fetch(`http://${req.query.host}/x`);": "request/address-from-request",
    "res.send('<b>' + req.query.name + '</b>');": "request/html-from-request",
    "res.status(400).send(`no ${req.params.id}`);": "request/html-from-request",
    "await db.query(`SELECT * FROM t WHERE a = '${req.query.a}'`);": "request/sql-from-request",
    "await users.findOne({ name: req.body.name });": "request/query-from-request",
    "res.json(serializer.unserialize(req.cookies.profile));": "request/object-from-request",
    "res.json(new RegExp(req.query.q).test('a'));": "request/pattern-from-request",
    "const all = {}; all[req.body.key] = 1;": "request/key-from-request",
    "let to = '/'; if (req.query.to) to = req.query.to; res.redirect(to);": "request/redirect-from-request",
    "const { query: { p } } = req; res.sendFile(p);": "request/path-from-request",
}


CHECKED = [
    "res.json(items.find((item) => item.id === Number(req.params.id)));",
    "res.status(404).json({ error: 'Not Found', detail: `${req.params.id} is unknown` });",
    "res.sendFile(req.params.name, { root: '/data' });",
    "res.sendFile(path.join('/data', path.basename(req.query.p)));",
    "const id = schema.parse(req.query.id); await users.findOne({ id });",
    "await db.query('SELECT * FROM t WHERE a = $1', [req.query.a]);",
    "await fetch(`http://backend:5000/api/items/${req.params.id}`);",
    "res.redirect(`/items/${req.params.id}`);",
    "res.set('X-Request-ID', req.get('X-Request-ID') ?? crypto.randomUUID());",
    "const known = new Map(); known.set(req.body.key, 1);",
    "setTimeout(() => res.json(req.query), 10);",
    "res.json(/^[a-z]+$/.exec(req.query.name));",
    "await fs.promises.writeFile('/tmp/upload', req.body.text);",
]
OTHERS = {
    "export const agent = new https.Agent({ rejectUnauthorized: false });": "program/certificate-unchecked",
    "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';": "program/certificate-unchecked",
    "other.postMessage(token, '*');": "program/message-for-everyone",
    "export const run = (code) => new Function(code)();": "no-new-func",
    "export const run = (code) => eval(code);": "sonarjs/code-eval",
    "import { exec } from 'node:child_process';\nexport const f = (x) => exec(x);": "sonarjs/os-command",
    "import { createHash } from 'node:crypto';\nexport const f = (p) => createHash('md5').update(p);": "sonarjs/hashing",
    "export const valid = (text) => /^(a+)+$/.test(text);": "sonarjs/slow-regex",
    "const password = 'Tr0ub4dor&3-horse';": "sonarjs/no-hardcoded-passwords",
    "document.write(location.hash);": "no-unsanitized/method",
    "export const show = (text) => { document.body.innerHTML = text; };": "no-unsanitized/property",
    "location.href = 'javascript:alert(1)';": "no-script-url",
}


def handling(line: str) -> str:
    """Put a line into a server's handler."""
    return f"{IMPORTS}app.get('/', async (req, res) => {{\n  {line}\n}});\n"


@pytest.fixture(scope="session")
def together(eslint: Path, tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    """Scan all of these lines at once, each in a file of its own."""
    files = {f"bad{place}.js": handling(line) for place, line in enumerate(SERVER)}
    files |= {f"good{place}.js": handling(line) for place, line in enumerate(CHECKED)}
    files |= {f"other{place}.ts": f"{line}\n" for place, line in enumerate(OTHERS)}
    return Scan(eslint, tmp_path_factory.mktemp("together")).all(files)


@pytest.mark.parametrize(("line", "rule"), SERVER.items())
def test_what_a_client_sends_is_followed_to_where_it_is_dangerous(
    together: Scanned, line: str, rule: str
) -> None:
    place = list(SERVER).index(line)
    assert rule in together.rules_of(f"bad{place}.js"), together.told
    assert f"services/shop/bad{place}.js:{len(IMPORTS.splitlines()) + 2}:" in together.told


@pytest.mark.parametrize("line", CHECKED)
def test_checked_data_raises_no_alarm(together: Scanned, line: str) -> None:
    assert together.rules_of(f"good{CHECKED.index(line)}.js") == set()


@pytest.mark.parametrize(("line", "rule"), OTHERS.items())
def test_a_weakness_that_needs_no_client_is_found(together: Scanned, line: str, rule: str) -> None:
    assert rule in together.rules_of(f"other{list(OTHERS).index(line)}.ts")


def test_a_destructured_request_is_followed_too(scan: Scan) -> None:
    done = scan("export const go = ({ query }, res) => res.redirect(query.to);\n")
    assert done.rules == {"request/redirect-from-request": "error"}


def test_commonjs_is_followed_too(scan: Scan) -> None:
    text = (
        'const { exec } = require("child_process");\nmodule.exports = (req) => exec(req.query.x);\n'
    )
    assert "request/command-from-request" in scan(text, "app.cjs").rules


COMPONENT = """\
import {{ Component, inject }} from '@angular/core';
import {{ DomSanitizer }} from '@angular/platform-browser';
@Component({{ selector: 'app-x', template: `{template}` }})
export class X {{
  private readonly sanitizer = inject(DomSanitizer);
  html: unknown = '';
  show(text: string): void {{
    {line}
  }}
}}
"""


def test_vouching_for_html_fails_and_its_binding_is_noted(scan: Scan) -> None:
    line = "this.html = this.sanitizer.bypassSecurityTrustHtml(text);"
    text = COMPONENT.format(template='<p [innerHTML]="html"></p>', line=line)
    done = scan(text, "x.component.ts")
    assert done.code == 1
    assert done.rules == {
        "template/html-binding": "note",
        "sonarjs/no-angular-bypass-sanitization": "error",
    }
    assert "services/shop/x.component.ts:3:" in done.told
    assert "services/shop/x.component.ts:8:" in done.told


def test_a_binding_that_angular_cleans_passes(scan: Scan) -> None:
    text = COMPONENT.format(template='<p [innerHTML]="html"></p>', line="this.html = text;")
    done = scan(text, "x.component.ts")
    assert done.code == 0
    assert done.rules == {"template/html-binding": "note"}


def test_templates_and_pages_are_judged(scan: Scan) -> None:
    text = (
        '<a href=" java\nscript:go()">x</a>\n<script src="https://cdn.example.com/x.js"></script>\n'
    )
    done = scan(text, "index.html")
    assert done.code == 1
    assert done.rules == {
        "template/script-address": "warning",
        "template/foreign-script": "warning",
    }
    hashed = '<script src="https://cdn.example.com/x.js" integrity="sha384-x"></script>\n'
    assert scan(hashed, "index.html").code == 0


def test_one_weakness_of_a_line_is_told_once_as_the_gravest(scan: Scan) -> None:
    done = scan(f"{IMPORTS}app.get('/', (req, res) => res.json(eval(req.query.x)));\n")
    assert done.rules == {"request/code-from-request": "error"}


def test_a_reason_accepts_a_finding_of_that_rule_only(scan: Scan) -> None:
    bad = "export const run = (code) => eval(code);"
    reason = "// nosec sonarjs/code-eval -- the code is ours"
    done = scan(f"{reason}\n{bad}\n")
    assert done.code == 0, done.told
    assert "1 accepted in the code" in done.told
    (result,) = done.report["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "inSource", "justification": "the code is ours"}]
    for other in ("// nosec", "// nosec sonarjs/code-eval", "// nosec sonarjs/hashing -- why not"):
        assert scan(f"{other}\n{bad}\n").code == 1


VALUE = "kQ7vZ2mX9pL4wR8sT1nY6bH3jF5dG0cEuA"


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (f"const password = '{VALUE}';", "sonarjs/no-hardcoded-passwords"),
        (f"const token = '{VALUE}';", "sonarjs/no-hardcoded-secrets"),
        (f"createHmac('sha256', '{VALUE}');", "sonarjs/hardcoded-secret-signatures"),
        (f"if (password === '{VALUE}') go();", "security/detect-possible-timing-attacks"),
    ],
)
def test_a_secret_is_told_by_its_place_only(scan: Scan, line: str, rule: str) -> None:
    """Not by another finding of its line, either."""
    text = f"import {{ createHmac }} from 'node:crypto';\n{line} eval(code);\neval(code);\n"
    done = scan(text)
    assert done.code == 1
    assert done.rules == {rule: "warning", "sonarjs/code-eval": "error"}
    assert f"  {rule} " in done.told
    assert done.told.count("    > (not shown)\n") == 2
    assert "    > eval(code);\n" in done.told
    assert VALUE not in done.told
    assert VALUE not in json.dumps(done.report)


def test_a_secret_over_several_lines_is_shown_nowhere(scan: Scan) -> None:
    done = scan(f"const password = 'first-\\\n{VALUE}'; eval(code);\n")
    assert done.rules == {"sonarjs/no-hardcoded-passwords": "warning", "sonarjs/code-eval": "error"}
    assert VALUE not in done.told + json.dumps(done.report)


def test_directives_of_eslint_hide_nothing(scan: Scan) -> None:
    done = scan(
        "/* eslint-disable */\nexport const run = (code) => eval(code); // eslint-disable-line\n"
    )
    assert done.code == 1


def test_a_file_that_cannot_be_parsed_is_not_clean(scan: Scan) -> None:
    done = scan("const x = ;\n")
    assert done.code == 2
    assert "services/shop/app.js:1: " in done.told


def test_a_service_without_code_is_not_clean(scan: Scan) -> None:
    done = scan("{}", "data.json")
    assert done.code == 2
    assert "the analysis itself failed" in done.told


def test_findings_point_at_the_file_as_the_repository_names_it(scan: Scan) -> None:
    done = scan("export const run = (code) => eval(code);\n")
    (run,) = done.report["runs"]
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "services/shop/app.js"
    assert (place["region"]["startLine"], place["region"]["startColumn"]) == (1, 30)
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert rule["id"] == result["ruleId"]
    assert "external/cwe/cwe-95" in rule["properties"]["tags"]


def test_every_rule_of_the_security_plugins_is_used_or_left_out_with_a_reason(eslint: Path) -> None:
    script = """
        import security from "eslint-plugin-security";
        import unsanitized from "eslint-plugin-no-unsanitized";
        import { KNOWN, LEFT_OUT } from "./rules.mjs";
        const all = [
          ...Object.keys(security.rules).map((name) => `security/${name}`),
          ...Object.keys(unsanitized.rules).map((name) => `no-unsanitized/${name}`),
        ];
        console.log(all.filter((name) => !KNOWN.has(name) && !LEFT_OUT[name]).join());
    """
    command = ["node", "--input-type=module", "--eval", script]
    done = subprocess.run(
        command, cwd=eslint, env=with_path(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "\n"
