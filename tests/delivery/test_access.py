"""The way to the cluster: what a wrong kubeconfig, a wrong login and a silent server are told as."""

import json
from pathlib import Path

import pytest

from delivery.cluster import Cluster
from delivery.errors import PreflightError
from delivery.preflight import reach
from delivery.proxy import connect

CONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {"token": "wrong"}}],
    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    "current-context": "x",
}


def told(monkeypatch: pytest.MonkeyPatch, path: Path, text: str) -> str:
    """Use a text as kubeconfig; return what the attempt to reach the cluster ends in."""
    path.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(path))
    with pytest.raises(PreflightError) as refused, connect() as cluster:
        reach(cluster)
    return str(refused.value)


@pytest.mark.usefixtures("cluster")
def test_a_kubeconfig_that_is_none_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    message = told(monkeypatch, tmp_path / "config", "not: [yaml")
    assert "is the kubeconfig right?" in message
    assert "yaml: line 1" in message


@pytest.mark.usefixtures("cluster")
def test_a_server_that_is_not_there_is_told_with_advice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    message = told(monkeypatch, tmp_path / "config", json.dumps(CONFIG))
    assert message.startswith("the cluster does not answer: ")
    assert "connection refused" in message
    assert message.endswith("drydock start")


def test_a_login_that_is_not_accepted_is_no_silence(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    view = cluster.kubectl("config", "view", "--raw", "--minify", "--output=json")
    server = json.loads(view)["clusters"][0]["cluster"]
    config = {**CONFIG, "clusters": [{"name": "c", "cluster": server}]}
    message = told(monkeypatch, tmp_path / "config", json.dumps(config))
    assert message == (
        "the cluster does not let this kubeconfig in: Unauthorized. Has its token expired?"
    )
