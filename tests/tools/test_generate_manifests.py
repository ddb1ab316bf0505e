"""The committed manifests are what the catalogue says, and the tool makes them so."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools/generate_manifests.py"


def run(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the tool."""
    return subprocess.run(
        [sys.executable, TOOL, *args], capture_output=True, text=True, check=False
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Copy what the tool reads and writes."""
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    for file in ROOT.glob("services/*/service.yaml"):
        (tmp_path / file.relative_to(ROOT).parent).mkdir(parents=True)
        shutil.copy(file, tmp_path / file.relative_to(ROOT))
    return tmp_path


def test_what_is_committed_is_what_the_catalogue_says() -> None:
    done = run("--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_change_by_hand_is_noticed_and_undone(repository: Path) -> None:
    path = repository / "manifests/monitoring/rules/backend.yaml"
    before = path.read_text()
    path.write_text(before.replace("0.0144", "0.5"))
    done = run("--check", repository)
    assert (done.returncode, done.stdout) == (1, "write manifests/monitoring/rules/backend.yaml\n")
    assert "next: python tools/generate_manifests.py" in done.stderr
    assert run(repository).returncode == 0
    assert path.read_text() == before


def test_a_new_promise_reaches_rules_alerts_dashboard_and_the_objects(repository: Path) -> None:
    slo = repository / "manifests/monitoring/slo/backend.yaml"
    slo.write_text(slo.read_text().replace("success: 99.9", "success: 99.5"))
    done = run(repository)
    folder = "manifests/monitoring"
    assert done.stdout.splitlines() == [
        f"write {folder}/{name}"
        for name in ("rules/backend.yaml", "objects/backend.yaml", "dashboards/backend.json")
    ]
    assert "> 0.072 and" in (repository / folder / "rules/backend.yaml").read_text()


def test_a_service_that_goes_takes_its_files_along(repository: Path) -> None:
    (repository / "manifests/monitoring/slo/frontend.yaml").unlink()
    done = run(repository)
    removed = {line for line in done.stdout.splitlines() if line.startswith("remove ")}
    assert removed == {
        f"remove manifests/monitoring/{name}"
        for name in ("rules/frontend.yaml", "objects/frontend.yaml", "dashboards/frontend.json")
    }
    assert run("--check", repository).returncode == 0


def test_a_strategy_reaches_argo_cd(repository: Path) -> None:
    service = repository / "services/backend/service.yaml"
    service.write_text(service.read_text() + "strategy: blue-green\n")
    run(repository)
    for name in ("test", "staging", "production"):
        path = repository / f"manifests/argocd/applications/shipyard-{name}.yaml"
        assert "name: backend-green" in path.read_text()


def test_a_runbook_belongs_to_those_who_write_in_it(repository: Path) -> None:
    path = repository / "manifests/monitoring/runbooks/SuccessBudgetBurns.md"
    path.write_text("# SuccessBudgetBurns\n\nAsk Ada.\n")
    assert run("--check", repository).returncode == 0
    path.unlink()
    assert run(repository).stdout == "write manifests/monitoring/runbooks/SuccessBudgetBurns.md\n"


def test_a_mistake_is_told_by_file_and_key(repository: Path) -> None:
    path = repository / "manifests/addresses.yaml"
    path.write_text(path.read_text().replace("grafana: https:", "grafana: ftp:"))
    done = run(repository)
    assert done.returncode == 2
    assert "manifests/addresses.yaml: grafana: 'ftp://grafana.example.com' is not an" in done.stderr
