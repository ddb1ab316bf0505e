"""Faults to plant: for each quality stage one in every service, which that stage must find and no other.

A plant is text that is appended to a file, or replaced in it. Each is valid for all other stages: formatted, linted, typed,
covered. `{key}` and `{package}` are filled in when it is planted: the first must not stand in this repository, the second depends
on what the archive has.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

SERVICES = ("backend", "frontend", "sample-app", "sample2-app")
KEY = "AKIA" + "Z7Q2M4N6P8R3T5V9"
PINNED = "libc6"
"""In every image, and in the archive in an older version with known vulnerabilities."""


@dataclass(frozen=True)
class Plant:
    """A change of one file, relative to the repository; without `old` the new text is appended."""

    file: str
    new: str
    old: str = ""

    def apply(self, repository: Path) -> None:
        """Plant it."""
        path = repository / self.file
        text = path.read_text()
        new = self.new.replace("{key}", KEY).replace("{package}", f"{PINNED}={older_version()}")
        if self.old:
            assert self.old in text, f"{self.file} has no {self.old!r}"
            path.write_text(text.replace(self.old, new, 1))
        else:
            path.write_text(text + new)


@dataclass(frozen=True)
class Fault:
    """What is wrong, the stage that says so, and words of its tool for each service."""

    name: str
    stage: str
    plants: dict[str, Plant]
    words: dict[str, str]


_BACKEND = "services/backend/app/endpoints/health.py"
_FRONTEND = "services/frontend/src/app/clock-time.ts"
_EXPRESS = "services/sample-app/src/endpoints/health.js"
_FASTAPI = "services/sample2-app/app/endpoints/health.py"
_CODE = dict(zip(SERVICES, (_BACKEND, _FRONTEND, _EXPRESS, _FASTAPI), strict=True))
_TESTS = {
    "backend": "services/backend/app/endpoints/test_health.py",
    "frontend": "services/frontend/src/app/clock-time.spec.ts",
    "sample-app": "services/sample-app/src/endpoints/health.test.js",
    "sample2-app": "services/sample2-app/app/endpoints/test_health.py",
}


def _appended(python: str, angular: str, node: str) -> dict[str, Plant]:
    texts = {"backend": python, "frontend": angular, "sample-app": node, "sample2-app": python}
    return {service: Plant(_CODE[service], texts[service]) for service in SERVICES}


def _said(python: str, angular: str, node: str) -> dict[str, str]:
    return {"backend": python, "frontend": angular, "sample-app": node, "sample2-app": python}


def _everywhere(words: str) -> dict[str, str]:
    return dict.fromkeys(SERVICES, words)


_FAILING_PYTHON = "\n\ndef test_planted() -> None:\n    assert 1 + 1 == 3\n"
_UNCOVERED_PYTHON = '\n\ndef planted() -> int:\n    """Wait for a test."""\n    return 1\n'

_SHELL_PYTHON = '''

def planted(command: str) -> None:  # pragma: no cover
    """Run what a caller sends."""
    import subprocess

    subprocess.run(command, shell=True)
'''
_HTML_ANGULAR = """
/* istanbul ignore next */
export function planted(text: string): void {
  document.body.innerHTML = text;
}
"""
_PATH_NODE = """
/* c8 ignore start */
/**
 * @param {import("express").Request} request
 * @param {import("express").Response} response
 */
export function planted(request, response) {
  response.sendFile(String(request.query.file));
}
/* c8 ignore stop */
"""

FAULTS = [
    Fault(
        "format",
        "format",
        _appended(
            "\n\nplanted = 'text'\n",
            "\nexport const  planted = 1;\n",
            "\nexport const  planted = 1;\n",
        ),
        _said("would reformat", "clock-time.ts", "health.js"),
    ),
    Fault(
        "lint",
        "lint",
        _appended(
            "\n\nplanted = lambda: 1\n",
            "\nexport const planted: number = 1;\n",
            '\nexport const planted = Number("1") == 1;\n',
        ),
        _said("E731", "no-inferrable-types", "eqeqeq"),
    ),
    Fault(
        "types",
        "types",
        _appended(
            '\n\nplanted: int = "text"\n',
            "\nexport const planted: number = 'text';\n",
            '\n/** @type {number} */\nexport const planted = "text";\n',
        ),
        _said("Incompatible types in assignment", "TS2322", "TS2322"),
    ),
    Fault(
        "failing-test",
        "test",
        {
            "backend": Plant(_TESTS["backend"], _FAILING_PYTHON),
            "frontend": Plant(
                _TESTS["frontend"],
                "\ndescribe('planted', () => {\n  it('fails', () => {\n    expect(1 + 1).toBe(3);\n  });\n});\n",
            ),
            "sample-app": Plant(
                _TESTS["sample-app"],
                '\ntest("planted", () => {\n  assert.equal(1 + 1, 3);\n});\n',
            ),
            "sample2-app": Plant(_TESTS["sample2-app"], _FAILING_PYTHON),
        },
        _said("assert (1 + 1) == 3", "Expected 2 to be 3", "planted"),
    ),
    Fault(
        "coverage",
        "test",
        _appended(
            _UNCOVERED_PYTHON,
            "\nexport function planted(): number {\n  return 1;\n}\n",
            "\nexport function planted() {\n  return 1;\n}\n",
        ),
        _everywhere("Required test coverage of 100% not reached"),
    ),
    Fault(
        "weakness",
        "sast",
        _appended(_SHELL_PYTHON, _HTML_ANGULAR, _PATH_NODE),
        _said("B602", "no-unsanitized/property", "request/path-from-request"),
    ),
    Fault(
        "secret",
        "secrets",
        _appended(
            '\n\nAWS_ACCESS_KEY_ID = "{key}"\n',
            "\nexport const awsAccessKeyId = '{key}';\n",
            '\nexport const awsAccessKeyId = "{key}";\n',
        ),
        _everywhere("AWS"),
    ),
    Fault(
        "misconfiguration",
        "misconfiguration",
        {
            service: Plant(
                f"manifests/apps/{service}/deployment.yaml",
                "readOnlyRootFilesystem: false",
                "readOnlyRootFilesystem: true",
            )
            for service in SERVICES
        },
        _everywhere("readOnlyRootFilesystem"),
    ),
    Fault(
        "old-dependency",
        "scan",
        {
            service: Plant(
                f"services/{service}/service.yaml", "    - {package}\n", f"    - {PINNED}\n"
            )
            for service in SERVICES
        },
        _everywhere("CVE-"),
    ),
]


def older_version() -> str:
    """Ask Debian's archive for a version of the pinned package that was followed by a newer one."""
    listed = subprocess.run(
        ["apt-cache", "madison", PINNED], capture_output=True, text=True, check=True
    )
    versions = [line.split("|")[1].strip() for line in listed.stdout.splitlines()]
    newest, *older = dict.fromkeys(versions)
    assert older, f"the archive has only {newest} of {PINNED}: choose another package"
    return older[-1]
