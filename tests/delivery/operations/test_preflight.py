"""The pre-flight report: every check is told, with its way out; real rights, a real quota, real dry runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from delivery import lease
from delivery.clock import CLOCK
from delivery.cluster import Cluster
from delivery.errors import PreflightError
from delivery.modes import Mode
from delivery.operations import preflight
from delivery.operations.preflight import ORDER, access
from delivery.operations.preflight.check import Result
from delivery.plan import Action, Plan
from delivery.proxy import connect
from tests.delivery.operations.conftest import BLUE_GREEN, Environment
from tests.delivery.servers import Act, Asked, always, answer, cluster_of, serving

PREFIX = "pod-security.kubernetes.io"


def lines(report: str) -> dict[str, str]:
    """Read the result of each check from a report."""
    found = {}
    for line in report.splitlines():
        for name in ORDER:
            for result in Result:
                if line.startswith(f"  {result:<8} {name:<13} "):
                    found[name] = str(result)
    return found


def way_out(report: str) -> list[str]:
    """Read the commands of the ways out."""
    return [line.strip() for line in report.splitlines() if line.strip().startswith("kubectl ")]


def a_plan(namespace: str, folder: Path, **changes: Any) -> Plan:
    """Make a plan without services."""
    values: dict[str, Any] = {
        "action": Action.PREFLIGHT,
        "environment": "test",
        "namespace": namespace,
        "overlay": folder,
        "rollout_seconds": 30,
        "pull_secret": None,
        "revision": "abc",
        "services": (),
        **changes,
    }
    return Plan(**values)


def test_before_the_first_delivery_everything_that_can_be_known_is_told(
    environment: Environment,
) -> None:
    done = environment.act("preflight")
    assert done.code == 0, done.summary
    assert list(lines(done.summary)) == list(ORDER)
    assert lines(done.summary)["manifests"] == "unknown"
    assert f"{environment.namespace} is missing; the first delivery makes it" in done.summary
    assert "ready to deliver (10 ok, 1 unknown)" in done.summary
    assert environment.cluster.find(f"/api/v1/namespaces/{environment.namespace}") is None


def test_it_can_be_asked_before_there_is_an_image(environment: Environment) -> None:
    assert environment.act("deploy", only=["backend"]).code == 0
    done = environment.act("preflight", only=["backend"], each={"image": "registry/backend"})
    assert done.code == 0, done.summary
    assert lines(done.summary)["manifests"] == "ok"


@pytest.mark.parametrize("each", [{}, BLUE_GREEN], ids=["rolling", "blue-green"])
def test_where_something_runs_the_api_server_judges_the_manifests(
    environment: Environment, each: dict[str, Any]
) -> None:
    assert environment.act("deploy", each=each).code == 0
    done = environment.act("preflight", "two", each=each)
    assert done.code == 0, done.summary
    assert set(lines(done.summary).values()) == {"ok"}
    assert "the API server would take them (dry run)" in done.summary
    assert "deployments.apps" in done.summary


def test_a_cluster_that_does_not_answer_is_told_and_nothing_is_asked_in_vain(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, namespace: str
) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "any"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "config").write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with connect() as nowhere, pytest.raises(PreflightError) as refused:
        preflight(nowhere, a_plan(namespace, tmp_path))
    found = lines(str(refused.value))
    assert found.pop("cluster") == "failed"
    assert found == dict.fromkeys(ORDER[1:], "unknown")
    assert "way out: kubectl cluster-info" in str(refused.value)


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    ("server", "result"),
    [("v1.36.4", Result.OK), ("v1.30.9+k3s1", Result.FAILED), ("?", "unknown")],
)
def test_kubectl_must_be_near_the_servers_version(tmp_path: Path, server: str, result: str) -> None:
    told = json.dumps({"gitVersion": server}).encode()
    with cluster_of(always(body=told), tmp_path) as (_, cluster):
        check = access.cluster_answers(cluster)
    assert check.result == result, check
    assert server in check.told


def with_rights(cluster: Cluster, namespace: str, folder: Path, name: str) -> Path:
    """Make a login with no rights at all; give its kubeconfig."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
    cluster.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account)
    token = cluster.kubectl("create", "token", name, "-n", namespace).strip()
    view = cluster.kubectl("config", "view", "--raw", "--minify", "--output=json")
    config = json.loads(view)
    config["users"] = [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]
    path = folder / f"kubeconfig-{name}"
    path.write_text(json.dumps(config))
    return path


def test_missing_rights_are_a_table_and_granting_what_it_asks_for_is_enough(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cluster, namespace = environment.cluster, environment.namespace
    assert environment.act("deploy").code == 0
    config = with_rights(cluster, namespace, tmp_path, "newcomer")
    with monkeypatch.context() as login:
        login.setenv("KUBECONFIG", str(config))
        done = environment.act("preflight", "two")
    assert done.code == 3
    found = lines(done.summary)
    assert found["rights"] == "failed"
    assert found["namespace"] == "unknown"
    assert list(found) == list(ORDER)
    asked = [line for line in way_out(done.summary) if "create role" in line]
    assert all(line.startswith(f"kubectl -n {namespace} create role ") for line in asked)
    for line in asked:
        words = line.split()[1:]
        cluster.kubectl(*words)
        role = words[4]
        who = f"--serviceaccount={namespace}:newcomer"
        cluster.kubectl("-n", namespace, "create", "rolebinding", role, f"--role={role}", who)
    with monkeypatch.context() as login:
        login.setenv("KUBECONFIG", str(config))
        again = environment.act("preflight", "two")
    assert again.code == 0, again.summary
    assert lines(again.summary)["rights"] == lines(again.summary)["manifests"] == "ok"
    assert "pod security  the namespace's labels are not ours to read" in again.summary


def test_with_git_in_between_only_reading_takes_rights(
    environment: Environment, tmp_path: Path
) -> None:
    assert environment.act("deploy").code == 0
    plan = a_plan(environment.namespace, tmp_path, mode=Mode.GITOPS)
    check = access.rights_suffice(environment.cluster, plan, [])
    assert check.result is Result.OK
    assert "get" in check.told
    assert not {"create", "patch", "update", "delete"} & set(check.told.split())


def test_the_pull_secret_has_to_be_there_and_to_be_a_login(environment: Environment) -> None:
    assert environment.act("deploy").code == 0
    missing = environment.act("preflight", pull_secret="ghcr")
    assert (missing.code, lines(missing.summary)["pull secret"]) == (3, "failed")
    assert "create secret docker-registry ghcr" in missing.summary
    opaque = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ghcr"}}
    environment.make("secrets", opaque)
    wrong = environment.act("preflight", pull_secret="ghcr")
    assert wrong.code == 3
    assert "ghcr is a Secret of type Opaque, no login for a registry" in wrong.summary
    namespace, login = environment.namespace, ("--docker-username=a", "--docker-password=b")
    environment.cluster.kubectl("-n", namespace, "delete", "secret", "ghcr")
    environment.cluster.kubectl(
        "-n", namespace, "create", "secret", "docker-registry", "ghcr", *login
    )
    assert environment.act("preflight", pull_secret="ghcr").code == 0


def quota(environment: Environment, pods: int) -> None:
    """Set a quota of pods."""
    spec = {"hard": {"pods": str(pods)}}
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "room"}, "spec": spec}
    environment.make("resourcequotas", body)
    used = {"hard": spec["hard"], "used": {"pods": "5"}}
    path = f"/api/v1/namespaces/{environment.namespace}/resourcequotas/room/status"
    environment.cluster.request("PATCH", path, {"status": used})


def test_the_room_that_is_left_is_told_and_missing_room_fails(environment: Environment) -> None:
    assert environment.act("deploy").code == 0
    quota(environment, 40)
    fine = environment.act("preflight", "two")
    assert fine.code == 0, fine.summary
    assert "there is room: pods 5 of 40" in fine.summary


def test_room_for_the_other_colour_counts(environment: Environment) -> None:
    assert environment.act("deploy", each=BLUE_GREEN).code == 0
    quota(environment, 6)
    short = environment.act("preflight", "two", each=BLUE_GREEN)
    assert (short.code, lines(short.summary)["quota"]) == (3, "failed")
    assert "quota room is too small for pods: " in short.summary


def test_pods_that_the_namespace_would_not_make_are_named_by_their_field(
    environment: Environment,
) -> None:
    assert environment.act("deploy").code == 0
    root = [
        {
            "op": "replace",
            "path": "/spec/template/spec/securityContext/runAsNonRoot",
            "value": False,
        }
    ]
    target = {"kind": "Deployment", "name": "backend"}
    environment.overlay(patches=[{"target": target, "patch": json.dumps(root)}])
    done = environment.act("preflight", "two")
    assert (done.code, lines(done.summary)["pod security"]) == (3, "failed")
    told = "Deployment backend: containers[backend].securityContext.runAsNonRoot must be true"
    assert told in done.summary
    labels = {"metadata": {"labels": {f"{PREFIX}/enforce": None}}}
    environment.cluster.request("PATCH", f"/api/v1/namespaces/{environment.namespace}", labels)
    assert lines(environment.act("preflight", "two").summary)["pod security"] == "ok"


def test_pods_that_would_end_under_requests_are_warned_of_with_the_line_that_mends_it(
    environment: Environment,
) -> None:
    gone = [{"op": "remove", "path": "/spec/template/spec/containers/0/lifecycle"}]
    target = {"kind": "Deployment", "name": "sample-app"}
    environment.overlay(patches=[{"target": target, "patch": json.dumps(gone)}])
    done = environment.act("preflight")
    assert (done.code, lines(done.summary)["pods end"]) == (0, "warning")
    assert "sample-app, container sample-app: no preStop" in done.summary
    assert "lifecycle: {preStop: {sleep: {seconds: 3}}}" in done.summary


def test_manifests_that_do_not_render_are_one_failure_and_the_rest_is_told(
    environment: Environment,
) -> None:
    environment.overlay(resources=["../nowhere"])
    done = environment.act("preflight")
    assert done.code == 3
    found = lines(done.summary)
    assert found["manifests"] == "failed"
    assert found["quota"] == found["pod security"] == found["pods end"] == "unknown"
    assert found["freeze"] == found["lock"] == "ok"


def gated(address: str, error: str = "block") -> dict[str, Any]:
    """Give a service a gate that asks Prometheus."""
    gate = {"kind": "prometheus", "query": "up", "at_least": 1, "address": address}
    return {"gates": {"live": [{**gate, "policy": {"error": error}}]}}


def vector(_asked: Asked) -> list[Act]:
    """Answer as Prometheus does to a number."""
    result = [{"metric": {}, "value": [0, "1"]}]
    body = {"status": "success", "data": {"resultType": "vector", "result": result}}
    return [answer(200, json.dumps(body).encode())]


def test_prometheus_is_asked_when_a_gate_will(environment: Environment) -> None:
    with serving(vector) as (server, target):
        done = environment.act("preflight", each=gated(f"http://127.0.0.1:{target.port}"))
    assert done.code == 0, done.summary
    assert lines(done.summary)["prometheus"] == "ok"
    assert len(server.paths) == 1
    silent = environment.act("preflight", each=gated("http://127.0.0.1:1"))
    assert (silent.code, lines(silent.summary)["prometheus"]) == (3, "failed")
    assert "gates that stop a release for that: backend/prometheus" in silent.summary
    lenient = environment.act("preflight", each=gated("http://127.0.0.1:1", "go"))
    assert (lenient.code, lines(lenient.summary)["prometheus"]) == (0, "unknown")


def test_a_frozen_environment_fails_and_names_who_to_ask(environment: Environment) -> None:
    assert environment.act("deploy").code == 0
    assert environment.act("freeze", reason="a migration runs").code == 0
    done = environment.act("preflight", "two")
    assert (done.code, lines(done.summary)["freeze"]) == (3, "failed")
    assert "frozen by a tester since " in done.summary
    assert "a migration runs" in done.summary


def test_who_holds_the_lock_is_told_and_fails_nothing(environment: Environment) -> None:
    assert environment.act("deploy").code == 0
    name = lease.name_of("backend")
    folder = f"/apis/coordination.k8s.io/v1/namespaces/{environment.namespace}/leases"
    renewed = CLOCK.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": "runner-7", "renewTime": renewed}
    environment.cluster.request("PATCH", f"{folder}/{name}", {"spec": spec})
    done = environment.act("preflight", "two")
    assert done.code == 0, done.summary
    assert f"{name} is held by runner-7, renewed " in done.summary
    assert " s ago" in done.summary
