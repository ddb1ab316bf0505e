"""The end of an environment: all that deliveries made goes, in order, and nothing that is somebody else's."""

import threading
from typing import Any

import pytest

from delivery import lease
from delivery.cluster import Cluster
from delivery.operations import cleanup
from delivery.operations.survey import survey
from tests.delivery.conftest import COUNT
from tests.delivery.operations.conftest import BLUE_GREEN, Done, Environment

YES = {"scope": "environment", "confirmed": True}
LEASES = "coordination.k8s.io/v1/leases"
FOLDERS = ("configmaps", "secrets", "services", "serviceaccounts", "apps/v1/deployments")
FOLDERS += ("networking.k8s.io/v1/ingresses", "policy/v1/poddisruptionbudgets", LEASES)


class Killed(BaseException):
    """The process is gone."""


def everything(environment: Environment) -> dict[str, list[str]]:
    """List all objects of the kinds that an environment has."""
    return {folder: environment.names(folder) for folder in FOLDERS}


def bystanders(environment: Environment) -> None:
    """Let others make objects in the namespace: some alone, one that a delivery will apply too."""
    metadata = {"name": environment.namespace}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    environment.cluster.request("POST", "/api/v1/namespaces", body)
    kubectl, namespace = environment.cluster.kubectl, environment.namespace
    kubectl("-n", namespace, "create", "configmap", "settings", "--from-literal=a=b")
    kubectl("-n", namespace, "create", "secret", "generic", "login", "--from-literal=a=b")
    kubectl("-n", namespace, "create", "deployment", "worker", "--image=worker")
    kubectl("-n", namespace, "create", "serviceaccount", "backend")
    port = [{"name": "http", "port": 5000, "targetPort": "http"}]
    spec = {"ports": port, "selector": {"app.kubernetes.io/name": "backend"}}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "backend"}, "spec": spec}
    environment.make("services", service)


def test_without_a_yes_the_list_is_told_and_nothing_changes(environment: Environment) -> None:
    assert environment.act("deploy").code == 0
    before = everything(environment)
    done = environment.act("cleanup", scope="environment")
    assert done.code == 3
    for each in (
        "Deployment backend",
        "Service sample-app",
        "Ingress backend",
        "Lease shipyard-del",
    ):
        assert f"  {each}" in done.summary
    assert "Nothing was changed" in done.summary
    assert "--everything --yes" in done.summary
    assert everything(environment) == before


@pytest.mark.parametrize("each", [{}, BLUE_GREEN], ids=["rolling", "blue-green"])
def test_everything_that_deliveries_made_goes_and_the_namespace_stays(
    environment: Environment, each: dict[str, Any]
) -> None:
    assert environment.act("deploy", each=each).code == 0
    assert environment.act("deploy", "two", each=each).code == 0
    done = environment.act("cleanup", **YES)
    assert done.code == 0, done.summary
    left = {folder: names for folder, names in everything(environment).items() if names}
    assert left == {"configmaps": ["kube-root-ca.crt"], "serviceaccounts": ["default"]}
    assert environment.names("pods") == []
    found = environment.cluster.find(f"/api/v1/namespaces/{environment.namespace}")
    assert found is not None
    assert found["status"]["phase"] == "Active"
    again = environment.act("cleanup", **YES)
    assert (again.code, "holds nothing that deliveries made" in again.summary) == (0, True)


def test_what_is_somebody_elses_stays_and_what_is_shared_is_told(environment: Environment) -> None:
    bystanders(environment)
    assert environment.act("deploy").code == 0
    done = environment.act("cleanup", **YES)
    assert done.code == 0, done.summary
    left = everything(environment)
    assert left["configmaps"] == ["kube-root-ca.crt", "settings"]
    assert left["secrets"] == ["login"]
    assert left["apps/v1/deployments"] == ["worker"]
    assert left["services"] == ["backend"]
    assert "stays: Service backend, as it is also somebody's" in done.summary


def test_another_environment_of_the_same_cluster_is_not_touched(environment: Environment) -> None:
    other = Environment(
        environment.folder, f"near-{next(COUNT)}", environment.cluster, environment.capsys
    )
    other.overlay()
    assert other.act("deploy").code == 0
    before = everything(other)
    environment.overlay()
    assert environment.act("deploy").code == 0
    assert environment.act("cleanup", **YES).code == 0
    assert everything(other) == before


def test_a_frozen_environment_is_not_taken_away(environment: Environment) -> None:
    assert environment.act("deploy").code == 0
    assert environment.act("freeze", reason="evidence").code == 0
    before = everything(environment)
    for more in ({"scope": "environment"}, YES):
        done = environment.act("cleanup", **more)
        assert done.code == 3
        assert "nothing of a frozen environment is taken away" in done.summary
    assert everything(environment) == before


def test_what_git_wants_is_not_deleted_in_the_cluster(environment: Environment) -> None:
    assert environment.act("deploy").code == 0
    git = {"repository": "https://git.example/shop", "branch": "main", "folder": "manifests"}
    done = environment.act("cleanup", **YES, mode="gitops", gitops=git)
    assert done.code == 3
    assert "take the environment's folder out of the repository" in done.summary
    assert "backend" in environment.names("apps/v1/deployments")


def test_a_delivery_at_work_is_not_disturbed(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment.act("deploy").code == 0
    monkeypatch.setattr(cleanup, "PATIENCE_SECONDS", 0.5)
    path = f"/apis/coordination.k8s.io/v1/namespaces/{environment.namespace}/leases"
    held = {"spec": {"holderIdentity": "a delivery"}}
    environment.cluster.request("PATCH", f"{path}/{lease.name_of('backend')}", held)
    done = environment.act("cleanup", **YES)
    assert done.code == 3
    assert "a delivery" in done.summary
    assert "backend" in environment.names("apps/v1/deployments")


@pytest.fixture
def deletions(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Count deletions, and die after as many as the test says."""
    counted = {"made": 0, "until": 10**6}
    plain = Cluster.request

    def request(
        self: Cluster,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        content: str = "",
        **more: Any,
    ) -> dict[str, Any]:
        ours = method == "DELETE" and threading.current_thread() is threading.main_thread()
        if ours and counted["made"] >= counted["until"]:
            raise Killed
        done = plain(self, method, path, body, content, **more)
        counted["made"] += ours
        return done

    monkeypatch.setattr(Cluster, "request", request)
    return counted


def test_a_run_that_was_killed_anywhere_is_finished_by_the_next(
    environment: Environment, deletions: dict[str, int]
) -> None:
    assert environment.act("deploy", each=BLUE_GREEN).code == 0
    done: Done | None = None
    rounds = 0
    while done is None:
        rounds += 1
        # Further from round to round, so that it dies in every part of the way.
        deletions |= {"made": 0, "until": rounds}
        try:
            done = environment.act("cleanup", **YES)
        except Killed:
            nobody_is_sent_to_what_is_gone(environment)
    assert done.code == 0, done.summary
    assert rounds > 5
    assert survey(environment.cluster, environment.namespace).ours == ()


def nobody_is_sent_to_what_is_gone(environment: Environment) -> None:
    """Check that no Service selects a colour whose Deployment is gone, and no Ingress a Service that is."""
    services = environment.names("services")
    deployments = environment.names("apps/v1/deployments")
    for name in services:
        path = f"/api/v1/namespaces/{environment.namespace}/services/{name}"
        colour = environment.cluster.request("GET", path)["spec"]["selector"]["shipyard.dev/colour"]
        if not name.endswith("-preview"):
            assert f"{name}-{colour}" in deployments
    for name in environment.names("networking.k8s.io/v1/ingresses"):
        assert name in services


def test_what_somebody_takes_over_meanwhile_stays(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment.act("deploy").code == 0
    plain = cleanup._delete_all

    def late(cluster: Cluster, *rest: Any) -> int:
        path = f"/api/v1/namespaces/{environment.namespace}/services/backend"
        taken = {"apiVersion": "v1", "kind": "Service", "metadata": {"labels": {"mine": "yes"}}}
        apply = "application/apply-patch+yaml"
        cluster.request("PATCH", f"{path}?fieldManager=another&force=true", taken, apply)
        return plain(cluster, *rest)

    monkeypatch.setattr(cleanup, "_delete_all", late)
    done = environment.act("cleanup", **YES)
    assert done.code == 0
    assert environment.names("services") == ["backend"]
    assert "Service backend is somebody else's by now: it stays" in done.progress


@pytest.mark.parametrize("early", [True, False])
def test_a_lock_that_another_delivery_took_meanwhile_stays(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, early: bool
) -> None:
    assert environment.act("deploy").code == 0
    name, plain = lease.name_of("backend"), cleanup.survey
    counted = []

    def looked(cluster: Cluster, namespace: str) -> Any:
        counted.append(name)
        path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"
        held = {"spec": {"holderIdentity": "next"}}
        if len(counted) == 3 and early:
            cluster.request("PATCH", path, held)
        found = plain(cluster, namespace)
        if len(counted) == 3 and not early:
            cluster.request("PATCH", path, held)
        return found

    monkeypatch.setattr(cleanup, "survey", looked)
    assert environment.act("cleanup", **YES).code == 0
    assert environment.names(LEASES) == [name]


def test_pods_end_before_what_they_live_by_goes(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment.act("deploy").code == 0
    plain, seen = cleanup._delete_one, []

    def noted(cluster: Cluster, namespace: str, item: Any, alive: Any) -> None:
        if item.kind.name in ("ServiceAccount", "ConfigMap"):
            seen.append(environment.names("pods"))
        plain(cluster, namespace, item, alive)

    monkeypatch.setattr(cleanup, "_delete_one", noted)
    assert environment.act("cleanup", **YES).code == 0
    assert len(seen) > 2
    assert not any(seen)
