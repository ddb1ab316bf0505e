"""Every recorded step holds, except those in the shrinking list of failing ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.cluster_cases import GOLDEN, cluster, failing_steps, known_failing

SCENARIOS = sorted(GOLDEN.glob("*.yaml"))


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with cluster(tmp_path_factory.mktemp("cluster")) as path:
        yield path


@pytest.mark.e2e
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.stem)
def test_scenario_answers_as_recorded(scenario: Path, kubeconfig: Path) -> None:
    found = failing_steps(scenario, kubeconfig)
    listed = known_failing()
    known = {step for step in listed if step.split("[")[0] == scenario.stem}
    worse = [found[step] for step in found if step not in known]
    better = sorted(step for step in known - set(found) if not listed[step])
    assert not worse, "\n".join(worse)
    assert not better, f"these steps pass now; take them off cluster_failing.txt: {better}"
