"""scan_python.py with the pinned bandit: what is found, what is told, what is never called clean."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.programs.installed import PROGRAMS, python_tool, with_path


@dataclass(frozen=True)
class Scanned:
    """What the program ended with, what it told, and its report."""

    code: int
    told: str
    report: dict[str, Any]

    @property
    def levels(self) -> dict[str, str]:
        """Give the level of each rule that was broken."""
        results = self.report["runs"][0]["results"]
        return {each["ruleId"]: each.get("level", "warning") for each in results}


@pytest.fixture(scope="session")
def bandit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install bandit."""
    return python_tool("bandit", tmp_path_factory.mktemp("tools"))


@dataclass(frozen=True)
class Scan:
    """A repository with one service."""

    folder: Path
    environment: dict[str, str]

    def __call__(self, **files: str) -> Scanned:
        """Write modules and scan them."""
        service = self.folder / "services/shop"
        service.mkdir(parents=True)
        for name, text in files.items():
            (service / f"{name}.py").write_text(text)
        done = subprocess.run(
            [sys.executable, PROGRAMS / "sast/scan_python.py", "services/shop", "out/sast.sarif"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        report = self.folder / "out/sast.sarif"
        read = json.loads(report.read_text()) if report.is_file() else {}
        return Scanned(done.returncode, done.stdout + done.stderr, read)


@pytest.fixture
def scan(bandit: Path, tmp_path: Path) -> Scan:
    """Give the scan of a repository."""
    return Scan(tmp_path, with_path(bandit))


@pytest.mark.parametrize(
    ("code", "rule", "weakness"),
    [
        ("import subprocess\n\n\ndef run(x): subprocess.run(x, shell=True)\n", "B602", "CWE-78"),
        ("from flask import request\n\n\ndef f(): eval(request.args['x'])\n", "B307", "CWE-78"),
        ("import yaml\n\n\ndef f(t): yaml.load(t, Loader=yaml.Loader)\n", "B506", "CWE-20"),
        ("import hashlib\n\n\ndef f(p): hashlib.md5(p).hexdigest()\n", "B324", "CWE-327"),
        (
            "def f(db, name): db.execute(f\"SELECT 1 FROM t WHERE a = '{name}'\")\n",
            "B608",
            "CWE-89",
        ),
        ("import pickle\n\n\ndef f(data): pickle.loads(data)\n", "B301", "CWE-502"),
        (
            "import requests\n\n\ndef f(u): requests.get(u, verify=False, timeout=1)\n",
            "B501",
            "CWE-295",
        ),
    ],
)
def test_a_grave_weakness_fails_and_is_explained(
    scan: Scan, code: str, rule: str, weakness: str
) -> None:
    done = scan(app=code)
    assert done.code == 1, done.told
    line = len(code.splitlines())
    assert f"services/shop/app.py:{line}:" in done.told
    assert rule in done.told
    assert weakness in done.told
    assert code.splitlines()[-1].strip() in done.told
    assert done.levels[rule] in {"error", "warning"}
    place = done.report["runs"][0]["results"][-1]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "services/shop/app.py"


VALUE = "hunter2-Tr0ub4dor"


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        (f'password = "{VALUE}"\n', "B105"),
        (f"if password == 'it\\'s \"{VALUE}\"':\n    go()\n", "B105"),
        (f'settings = {{"password": """{VALUE}\n{VALUE}"""}}\n', "B105"),
        (f'login(\n    user="x",\n    password="{VALUE}",\n)\n', "B106"),
        (f'def f(token="{VALUE}"): pass\n', "B107"),
    ],
)
def test_a_password_is_told_by_its_place_only(scan: Scan, code: str, rule: str) -> None:
    """Not by a finding beside it, either: bandit's report quotes the lines around each."""
    done = scan(app=f'bind = "0.0.0.0"\n{code}bind = "0.0.0.0"\n')
    assert done.code == 0
    assert done.levels == {rule: "note", "B104": "note"}
    assert "Possible hardcoded password: (not shown)\n    > (not shown)\n" in done.told
    assert done.told.count('    > bind = "0.0.0.0"\n') == 2
    assert VALUE not in done.told
    assert VALUE not in json.dumps(done.report)


def test_what_stands_in_the_line_of_a_password_does_not_show_it(scan: Scan) -> None:
    line = f'def f(a, token="{VALUE}"): subprocess.run(a, shell=True)\n'
    done = scan(app=f"import subprocess\n\n\n{line}")
    assert done.code == 1
    assert done.levels["B602"] == "error"
    assert VALUE not in done.told + json.dumps(done.report)


def test_what_a_container_makes_harmless_is_told_and_passes(scan: Scan) -> None:
    done = scan(conf="bind = '0.0.0.0'\nworker_tmp_dir = '/tmp'\nassert bind\n")
    assert done.code == 0, done.told
    assert done.levels == {"B104": "note", "B108": "note", "B101": "note"}
    assert "1 files: 0 findings of medium severity or above, 3 below" in done.told


def test_what_is_accepted_in_the_code_is_counted(scan: Scan) -> None:
    done = scan(app="import yaml\n\n\ndef f(t): yaml.load(t, Loader=yaml.Loader)  # nosec B506\n")
    assert done.code == 0
    assert "1 accepted in the code" in done.told


def test_a_file_that_cannot_be_parsed_is_not_clean(scan: Scan) -> None:
    done = scan(good="x = 1\n", bad="def x(:\n")
    assert done.code == 2
    assert "services/shop/bad.py: syntax error" in done.told


def test_a_service_without_code_is_not_clean(scan: Scan) -> None:
    done = scan()
    assert done.code == 2
    assert "there is no Python file in services/shop" in done.told


def test_a_tool_that_is_not_there_is_no_finding(tmp_path: Path) -> None:
    done = Scan(tmp_path, {"PATH": "/nowhere"})(app="x = 1\n")
    assert done.code == 2
    assert "the analysis itself failed" in done.told
