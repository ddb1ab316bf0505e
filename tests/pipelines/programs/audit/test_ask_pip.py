"""ask_pip.py with the pinned pip-audit and PyPI played on loopback: advisories, and every way not to give any."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.programs.audit.registry import HANG, Registry, serving, text
from tests.pipelines.programs.installed import PROGRAMS, python_tool, with_path

HASH = f"--hash=sha256:{'0' * 64}"
REQUIREMENTS = f"""\
# pinned
flask==3.1.3 \\
    {HASH}
    # via -r requirements.in
Jinja2[i18n]==2.10 ; python_version > "3" \\
    {HASH}
"""
DEVELOPMENT = f"flask==3.1.3 {HASH}\nblack==24.1.0 {HASH}\n"


def advisory(name: str, aliases: list[str], fixed: list[str], summary: str) -> dict[str, Any]:
    """Write an advisory as PyPI does."""
    return {"id": name, "aliases": aliases, "fixed_in": fixed, "summary": summary, "details": ""}


def release(*advisories: dict[str, Any]) -> tuple[int, str]:
    """Write what PyPI says of a release."""
    return 200, text({"info": {}, "urls": [], "vulnerabilities": list(advisories)})


CANARY = release(advisory("PYSEC-2017-94", ["CVE-2013-7459"], [], "Heap overflow"))


@pytest.fixture(scope="session")
def pip_audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install pip-audit."""
    return python_tool("pip-audit", tmp_path_factory.mktemp("tools"))


@dataclass(frozen=True)
class Asking:
    """A service and the index that it asks."""

    registry: Registry
    folder: Path
    tool: Path

    def __call__(self, requirements: str = REQUIREMENTS, development: str = "") -> dict[str, Any]:
        """Ask; give the answer."""
        done = self.run(requirements, development)
        assert done.returncode == 0, done.stderr
        return dict(json.loads((self.folder / "answer.json").read_text()))

    def run(self, requirements: str, development: str) -> subprocess.CompletedProcess[str]:
        """Run the program."""
        service = self.folder / "service"
        service.mkdir()
        for name, content in (("requirements", requirements), ("requirements-dev", development)):
            if content:
                (service / f"{name}.txt").write_text(content)
        environment = with_path(self.tool)
        for key in ("NO_PROXY", "no_proxy"):
            environment.pop(key, None)
        environment |= {
            "AUDIT_PATIENCE_SECONDS": "1",
            "HTTPS_PROXY": self.registry.address,
            "https_proxy": self.registry.address,
            "REQUESTS_CA_BUNDLE": str(self.registry.certificate),
        }
        return subprocess.run(
            [sys.executable, PROGRAMS / "audit/ask_pip.py", service, self.folder / "answer.json"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def ask(tmp_path: Path, pip_audit: Path) -> Iterator[Asking]:
    """Serve an index and ask it."""
    with serving(tmp_path) as registry:
        registry.answers["/pypi/pycrypto/2.6.1/json"] = CANARY
        yield Asking(registry, tmp_path, pip_audit)


def test_an_index_that_knows_of_nothing_but_the_canary_leaves_the_service_clean(
    ask: Asking,
) -> None:
    ask.registry.default = release()
    assert ask() == {"tool": "pip-audit", "reason": "", "packages": 2, "findings": []}
    assert set(ask.registry.asked) == {
        "/pypi/pycrypto/2.6.1/json",
        "/pypi/flask/3.1.3/json",
        "/pypi/jinja2/2.10/json",
    }


def test_advisories_are_told_with_the_line_that_pins_the_package(ask: Asking) -> None:
    ask.registry.default = release()
    ask.registry.answers["/pypi/jinja2/2.10/json"] = release(
        advisory("PYSEC-2019-217", ["GHSA-462w-v97r-4m45", "CVE-2019-10906"], ["2.10.1"], "Escape")
    )
    ask.registry.answers["/pypi/black/24.1.0/json"] = release(
        advisory("GHSA-fj7x-q9j7-g6q6", [], ["24.3.0"], "Slow pattern")
    )
    answer = ask(development=DEVELOPMENT)
    assert (answer["reason"], answer["packages"]) == ("", 3)
    jinja, black = answer["findings"]
    assert jinja == {
        "package": "jinja2",
        "version": "2.10",
        "id": "CVE-2019-10906",
        "aliases": ["GHSA-462w-v97r-4m45", "PYSEC-2019-217"],
        "severity": "unknown",
        "fixed": "2.10.1",
        "summary": "Escape",
        "url": "https://osv.dev/vulnerability/PYSEC-2019-217",
        "development": False,
        "file": "requirements.txt",
        "line": 5,
    }
    assert (black["id"], black["development"], black["file"], black["line"]) == (
        *("GHSA-fj7x-q9j7-g6q6", True),
        *("requirements-dev.txt", 2),
    )


def test_an_index_without_the_api_is_a_reason(ask: Asking) -> None:
    ask.registry.answers.clear()
    answer = ask()
    assert answer["reason"].startswith("PyPI gives no advisories here")
    assert "not found on PyPI" in answer["reason"]


def test_an_index_that_answers_without_advisories_is_a_reason(ask: Asking) -> None:
    ask.registry.answers.clear()
    ask.registry.default = (200, "{}")
    assert "no advisory" in ask()["reason"]


def test_a_package_that_pypi_does_not_know_was_not_audited(ask: Asking) -> None:
    ask.registry.answers["/pypi/flask/3.1.3/json"] = release()
    assert "jinja2 (2.10)" in ask()["reason"]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, "{}", "500 Server Error"),
        (403, "{}", "403 Client Error"),
        (200, "", "JSONDecodeError"),
        (200, "<html>welcome</html>", "JSONDecodeError"),
        (200, "[]", "AttributeError"),
        (200, '{"vulnerabilities": [{"id": "x"}]}', "KeyError"),
    ],
)
def test_an_answer_that_is_none_is_a_reason(
    ask: Asking, status: int, body: str, reason: str
) -> None:
    ask.registry.default = (status, body)
    answer = ask()
    assert reason in answer["reason"]
    assert answer["findings"] == []


def test_an_index_that_never_answers_is_left_soon(ask: Asking) -> None:
    ask.registry.answers.clear()
    ask.registry.default = (HANG, "")
    begun = time.monotonic()
    answer = ask()
    assert time.monotonic() - begun < 30
    assert "timed out" in answer["reason"].lower()


def test_requirements_without_hashes_are_a_reason(ask: Asking) -> None:
    assert "does not contain a hash" in ask("flask==3.1.3\n")["reason"]


def test_a_service_without_requirements_is_refused(ask: Asking) -> None:
    done = ask.run("", DEVELOPMENT)
    assert done.returncode == 2
    assert "there is no requirements.txt" in done.stderr
