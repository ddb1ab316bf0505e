"""Releases that come up, stay, and say so."""

import json

import pytest

from delivery.cluster import Cluster
from delivery.follow import get
from tests.delivery.conftest import digest
from tests.delivery.rolling.conftest import Deliver
from tests.delivery.rolling.objects import running, service

pytestmark = pytest.mark.usefixtures("node")


def test_a_good_release_comes_up_and_says_so(
    deliver: Deliver, cluster: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deliver("one") == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["outcome"] == "done"
    assert "backend: 3 of 3 ready, revision 1, version one" in result["summary"]
    assert running(cluster, namespace).endswith(digest("one"))


def test_the_same_release_again_changes_nothing(
    deliver: Deliver, cluster: Cluster, namespace: str
) -> None:
    assert deliver("one") == 0
    before = get(cluster, namespace, "backend")
    assert deliver("one") == 0
    after = get(cluster, namespace, "backend")
    assert before is not None
    assert after is not None
    assert before["metadata"]["generation"] == after["metadata"]["generation"]


def test_the_result_holds_the_record_of_the_run(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DELIVERY_APPROVED_BY", "bob")
    gated = service("one", gates={"live": [{"kind": "restarts"}]})
    assert deliver("one", services=[gated], who="ann") == 0
    (record,) = json.loads(capsys.readouterr().out.splitlines()[-1])["records"]
    assert (record["who"], record["approved_by"], record["verdict"]) == ("ann", "bob", "live")
    assert record["image"] == f"registry/backend@sha256:{digest('one')}"
    assert record["plan"].startswith("sha256:")
    (gate,) = record["gates"]
    assert (gate["gate"], gate["result"]) == ("restarts", "pass")
    assert gate["numbers"]
    assert deliver("one", services=[gated]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["records"] == []


def test_status_tells_what_runs(deliver: Deliver, capsys: pytest.CaptureFixture[str]) -> None:
    assert deliver("one", "status") == 0
    assert "backend: not deployed" in capsys.readouterr().out
    assert deliver("one") == 0
    assert deliver("one", "status") == 0
    assert "3 of 3 ready" in capsys.readouterr().out.splitlines()[-1]
