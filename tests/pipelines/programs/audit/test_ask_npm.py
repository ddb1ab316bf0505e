"""ask_npm.mjs with the real npm and a registry on loopback: advisories, and every way not to give any."""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.programs.audit.registry import HANG, Registry, serving, text
from tests.pipelines.programs.installed import PROGRAMS, with_path

BULK = "/-/npm/v1/security/advisories/bulk"
CANARY = "node-serialize"


def advisory(number: int, versions: str, severity: str, title: str) -> dict[str, Any]:
    """Write an advisory as the registry does."""
    return {
        "id": number,
        "url": f"https://github.com/advisories/GHSA-aaaa-bbbb-{number:04}",
        "title": title,
        "severity": severity,
        "vulnerable_versions": versions,
        "cwe": ["CWE-1321"],
        "cvss": {"score": 7.4},
    }


KNOWN = {CANARY: [advisory(1, "<=0.0.4", "critical", "Code execution")]}
LOCK = {
    "name": "shop",
    "lockfileVersion": 3,
    "requires": True,
    "packages": {
        "": {
            "name": "shop",
            "dependencies": {"lodash": "4.17.15"},
            "devDependencies": {"minimist": "1.2.0"},
        },
        "node_modules/lodash": {"version": "4.17.15"},
        "node_modules/minimist": {"version": "1.2.0", "dev": True},
    },
}


@dataclass(frozen=True)
class Asking:
    """A service and the registry that it asks."""

    registry: Registry
    folder: Path

    def __call__(self, lock: dict[str, Any] = LOCK) -> dict[str, Any]:
        """Ask; give the answer."""
        done = self.run(lock)
        assert done.returncode == 0, done.stderr
        return dict(json.loads((self.folder / "answer.json").read_text()))

    def run(self, lock: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        """Run the program."""
        service = self.folder / "service"
        service.mkdir()
        (service / "package.json").write_text(json.dumps(LOCK["packages"][""]))
        (service / "package-lock.json").write_text(json.dumps(lock, indent=2))
        (service / ".npmrc").write_text(f"registry={self.registry.address}\n")
        environment = {
            key: value for key, value in with_path().items() if "npm_" not in key.lower()
        }
        environment |= {
            "AUDIT_PATIENCE_SECONDS": "1",
            "HOME": str(self.folder),
            "npm_config_cache": str(self.folder / "cache"),
        }
        return subprocess.run(
            ["node", PROGRAMS / "audit/ask_npm.mjs", service, self.folder / "answer.json"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Asking]:
    """Serve a registry and ask it."""
    with serving(tmp_path) as registry:
        yield Asking(registry, tmp_path)


def test_a_registry_that_knows_of_nothing_but_the_canary_leaves_the_service_clean(
    ask: Asking,
) -> None:
    ask.registry.answers[BULK] = (200, text(KNOWN))
    assert ask() == {"tool": "npm audit", "reason": "", "packages": 2, "findings": []}


def test_advisories_are_told_with_the_line_that_pins_the_package(ask: Asking) -> None:
    known = {
        **KNOWN,
        "lodash": [advisory(2, ">=3.0.0 <4.17.21", "high", "Prototype pollution")],
        "minimist": [advisory(3, "<1.2.6", "critical", "Prototype pollution")],
    }
    ask.registry.answers[BULK] = (200, text(known))
    answer = ask()
    assert answer["reason"] == ""
    found = {each["package"]: each for each in answer["findings"]}
    assert found["lodash"] == {
        "package": "lodash",
        "version": "4.17.15",
        "id": "GHSA-aaaa-bbbb-0002",
        "aliases": [],
        "severity": "high",
        "fixed": "4.17.21",
        "summary": "Prototype pollution",
        "url": "https://github.com/advisories/GHSA-aaaa-bbbb-0002",
        "development": False,
        "file": "package-lock.json",
        "line": 1 + [line.strip() for line in text_of(LOCK)].index('"node_modules/lodash": {'),
    }
    assert (found["minimist"]["development"], found["minimist"]["severity"]) == (True, "critical")
    assert set(found) == {"lodash", "minimist"}


def text_of(lock: dict[str, Any]) -> list[str]:
    """Give the lines of a lock file."""
    return json.dumps(lock, indent=2).splitlines()


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (405, "", "405 Method Not Allowed"),
        (500, "{}", "500 Internal Server Error"),
        (401, "{}", "401 Unauthorized"),
        (200, "", ""),
        (200, "<html>welcome</html>", ""),
        (200, "{}", "the registry gives no advisories"),
        (200, "[]", "the registry gives no advisories"),
        (200, '{"error": "not here"}', ""),
        (200, '"fine"', ""),
    ],
)
def test_an_answer_that_is_none_is_a_reason(
    ask: Asking, status: int, body: str, reason: str
) -> None:
    ask.registry.default = (status, body)
    answer = ask()
    assert answer["reason"], answer
    assert reason in answer["reason"]
    assert answer["findings"] == []


def test_a_registry_that_never_answers_is_left_soon(ask: Asking) -> None:
    ask.registry.default = (HANG, "")
    begun = time.monotonic()
    answer = ask()
    assert time.monotonic() - begun < 30
    assert "timeout" in answer["reason"].lower() or "no answer" in answer["reason"]


def test_a_registry_that_is_not_there_is_a_reason(ask: Asking) -> None:
    ask.registry.server_address = ("127.0.0.1", 9)
    assert "ECONNREFUSED" in ask()["reason"]


def test_a_lock_of_npm_6_is_refused(ask: Asking) -> None:
    done = ask.run({"name": "shop", "lockfileVersion": 1, "dependencies": {}})
    assert done.returncode == 2
    assert "lockfileVersion 1" in done.stderr
