"""What one can ask for besides a whole ship: a plan, some services, what changed, fixes, reports, a running image."""

from __future__ import annotations

import json
import signal
import socket
import time
import urllib.error
import urllib.request
from xml.etree import ElementTree

import pytest

from tests.e2e.conftest import Shipped
from tests.e2e.plants import SERVICES
from tests.e2e.workplace import Started

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.timeout(900)]


def test_a_plan_names_stages_and_what_is_known_and_runs_nothing(shipped: Shipped) -> None:
    generations = "jsonpath={.items[*].metadata.generation}"
    seen = ("-n", "shipyard-local", "get", "deployments", "-o", generations)
    before = shipped.kubectl(*seen).stdout
    done = shipped.call("-s", "ship", "--env=local", "--plan")
    assert done.code == 0, done.text
    assert "the plan, nothing was run" in done.stdout
    for service in SERVICES:
        assert f"\n  {service}\n" in done.stdout
    test = next(line for line in done.stdout.splitlines() if line.split()[:1] == ["test"])
    assert "passed, unchanged since" in test
    deploy = next(line for line in done.stdout.splitlines() if line.split()[:1] == ["deploy"])
    assert "runs every time" in deploy
    assert shipped.kubectl(*seen).stdout == before


def test_only_the_services_that_are_named_are_checked(shipped: Shipped) -> None:
    done = shipped.call("-s", "check", "--only=backend,sample-app")
    assert done.code == 0, done.text
    assert "\n  backend\n" in done.stdout
    assert "\n  sample-app\n" in done.stdout
    assert "frontend" not in done.stdout


def test_only_services_that_differ_from_a_revision_are_checked(shipped: Shipped) -> None:
    copy = shipped.variant("since")
    unchanged = shipped.call("-s", "check", "--since=main", cwd=copy)
    assert "No service differs from main" in unchanged.stdout
    (copy / "services" / "sample-app" / "NEW.md").write_text("# New\n")
    done = shipped.call("-s", "check", "--since=main", cwd=copy)
    assert done.code == 0, done.text
    assert "\n  sample-app\n" in done.stdout
    assert "backend" not in done.stdout
    unknown = shipped.call("check", "--since=no-such-branch", cwd=copy)
    assert unknown.code == 1
    assert "unknown revision 'no-such-branch'" in unknown.stderr
    assert "git fetch" in unknown.stderr


def test_a_failing_service_stops_everything_when_told_to_fail_fast(shipped: Shipped) -> None:
    copy = shipped.variant("fail-fast")
    code = copy / "services" / "backend" / "app" / "__init__.py"
    code.write_text(code.read_text() + "\n\nplanted = 'text'\n")
    spec = copy / "services" / "frontend" / "src" / "app" / "clock-time.ts"
    spec.write_text(spec.read_text() + "\nexport const planted = 1;\n")
    done = shipped.call("check", "--fail-fast", cwd=copy)
    assert done.code != 0
    assert done.stderr.rstrip().endswith("backend: format failed.")
    assert "stopped early" in done.stderr


def test_formatting_is_mended_and_nothing_else_is_touched(shipped: Shipped) -> None:
    copy = shipped.variant("formatting")
    python = copy / "services" / "backend" / "app" / "__init__.py"
    typescript = copy / "services" / "frontend" / "src" / "main.ts"
    clean = shipped.call("-s", "formatting", "is-empty", cwd=copy)
    assert clean.stdout.strip() == "true", clean.text
    before = python.read_text(), typescript.read_text()
    python.write_text(before[0] + "planted = {  'a': 1 }\n")
    typescript.write_text(before[1] + "export const  planted = {a: 1}\n")
    listed = shipped.call("-s", "formatting", "modified-paths", cwd=copy)
    assert sorted(listed.stdout.split()) == [
        str(path.relative_to(copy)) for path in (python, typescript)
    ]
    done = shipped.place.run(shipped.drydock, "generate", "-y", cwd=copy)
    assert done.code == 0, done.text
    assert python.read_text() == before[0] + '\n\nplanted = {"a": 1}\n'
    assert typescript.read_text() == before[1] + "export const planted = { a: 1 };\n"
    changed = shipped.place.git(copy, "status", "--porcelain", "--untracked-files=no").splitlines()
    assert len(changed) == 2, changed


def test_the_reports_of_a_red_run_are_files(shipped: Shipped) -> None:
    copy = shipped.variant("reports")
    test = copy / "services" / "backend" / "app" / "endpoints" / "test_health.py"
    test.write_text(test.read_text() + "\n\ndef test_planted() -> None:\n    assert 1 + 1 == 3\n")
    out = shipped.place.root / "reports"
    done = shipped.call("report", "-o", str(out), cwd=copy)
    assert done.code == 0, done.text
    stages = json.loads((out / "report.json").read_text())["stages"]
    verdicts = {(stage["service"], stage["stage"]): stage["status"] for stage in stages}
    assert verdicts["backend", "test"] == "failed"
    assert verdicts["backend", "build"] == "skipped"
    assert verdicts["sample2-app", "scan"] == "passed"
    for service in SERVICES:
        junit = ElementTree.parse(out / service / "junit.xml")
        assert junit.find(".//testcase") is not None
        coverage = ElementTree.parse(out / service / "coverage.xml").getroot()
        assert coverage.tag == "coverage"
        assert "end_of_record" in (out / service / "lcov.info").read_text()
        for name in ("sast", "secrets", "misconfiguration"):
            sarif = json.loads((out / service / f"{name}.sarif").read_text())
            assert sarif["version"] == "2.1.0"
    failures = ElementTree.parse(out / "backend" / "junit.xml").findall(".//failure")
    assert any("1 + 1" in (failure.text or "") for failure in failures)
    assert "1 + 1" in (out / "backend" / "test.txt").read_text()


def test_all_services_run_from_their_images_beside_a_shipped_machine(shipped: Shipped) -> None:
    running = shipped.place.start(shipped.drydock, "up", cwd=shipped.repository)
    try:
        body = answered("http://127.0.0.1:18080/api/data", running)
        items = answered("http://127.0.0.1:18000/api/items", running)
    finally:
        running.signal(signal.SIGINT)
        done = running.finish()
    assert json.loads(body or "{}").get("count") == 3, done.text[-3000:]
    assert json.loads(items or "{}").get("count") == 3, done.text[-3000:]


def test_a_service_runs_from_its_image_with_what_it_depends_on(shipped: Shipped) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = shipped.place.start(
        shipped.drydock,
        "call",
        "serve",
        "--service=frontend",
        "up",
        f"--ports={port}:8080",
        cwd=shipped.repository,
    )
    try:
        body = answered(f"http://127.0.0.1:{port}/api/data", running)
    finally:
        running.signal(signal.SIGINT)
        done = running.finish()
    assert json.loads(body or "{}").get("count") == 3, done.text[-3000:]


def answered(url: str, running: Started) -> str:
    """Wait for the answer of something that is starting; empty when it ends or takes too long."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and running.running:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                body: str = answer.read().decode()
                return body
        except (OSError, urllib.error.HTTPError):
            time.sleep(0.5)
    return ""
