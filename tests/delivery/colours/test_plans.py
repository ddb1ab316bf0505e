"""Plan first: the difference, the saved plan, and exactly that."""

import json
import stat
from pathlib import Path

import pytest

from delivery.__main__ import main
from delivery.cluster import Cluster
from delivery.history import entries
from tests.delivery.colours.conftest import Deliver
from tests.delivery.colours.objects import image, summary
from tests.delivery.conftest import digest

pytestmark = pytest.mark.usefixtures("node")


def test_a_dry_run_shows_the_difference_and_changes_nothing(
    deliver: Deliver,
    cluster: Cluster,
    namespace: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver({"backend": "one"}) == 0
    before = cluster.items(f"/apis/apps/v1/namespaces/{namespace}/deployments")
    capsys.readouterr()
    saved = tmp_path / "saved.json"
    assert deliver({"backend": "two"}, "deploy", "--dry-run", f"--save={saved}") == 0
    told = capsys.readouterr()
    assert f"-            \"image\": \"registry/backend@sha256:{digest('one')}\"" in told.err
    assert f"+            \"image\": \"registry/backend@sha256:{digest('two')}\"" in told.err
    after = cluster.items(f"/apis/apps/v1/namespaces/{namespace}/deployments")
    assert before == after
    summed = json.loads(told.out.splitlines()[-1])["summary"]
    plan_digest = summed.split("digest ")[1].split(": deliver")[0]
    assert main([f"--plan={saved}", "--expect=sha256:0"]) == 2
    assert deliver({"backend": "two"}, "rollback", "--dry-run") == 2
    (tmp_path / "overlay/kustomization.yaml").write_text("{}")
    assert main([f"--plan={saved}", f"--expect={plan_digest}"]) == 0
    assert image(cluster, namespace, "backend-green") == digest("two")
    assert entries(cluster, namespace, "backend")[0].plan == plan_digest


def test_a_dry_run_of_a_rolling_service_is_the_api_servers_diff(
    deliver: Deliver, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = {"strategy": "rolling"}
    assert deliver({"backend": "one"}, each=plain) == 0
    capsys.readouterr()
    assert deliver({"backend": "one"}, "deploy", "--dry-run", each=plain) == 0
    assert "nothing would change" in summary(capsys)
    assert deliver({"backend": "two"}, "deploy", "--dry-run", each=plain) == 0
    told = capsys.readouterr().err
    assert f"+        image: registry/backend@sha256:{digest('two')}" in told
    assert f"-        image: registry/backend@sha256:{digest('one')}" in told


def test_a_saved_plan_is_for_nobody_else_to_read_and_tells_when_it_holds_secrets(
    deliver: Deliver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "saved.json"
    saved.touch(0o644)
    assert deliver({"backend": "one"}, "deploy", "--dry-run", f"--save={saved}") == 0
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert "holds Secrets" not in summary(capsys)
    path = tmp_path / "overlay/kustomization.yaml"
    login = {"secretGenerator": [{"name": "login", "literals": ["password=hunter2"]}]}
    path.write_text(json.dumps({**json.loads(path.read_text()), **login}))
    assert deliver({"backend": "one"}, "deploy", "--dry-run", f"--save={saved}") == 0
    assert f"{saved} holds Secrets: keep it like one" in summary(capsys)
