"""The health of an environment: one table, and an exit code of its own when something does not work."""

import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from delivery.clock import write_time
from delivery.operations.health.address import look_at
from tests.delivery.conftest import Node, digest, ready, waiting
from tests.delivery.operations.conftest import BLUE_GREEN, Environment
from tests.delivery.servers import always, serving

UNHEALTHY = 7
Image = Callable[[str], dict[str, Any]]


def ended(times: int, minutes_ago: float) -> Image:
    """Say that a pod is ready again after its container ended some times."""

    def state(image: str) -> dict[str, Any]:
        at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        status = ready(image)
        last = {"reason": "OOMKilled", "exitCode": 137, "finishedAt": write_time(at)}
        status["containerStatuses"][0] |= {"restartCount": times, "lastState": {"terminated": last}}
        return status

    return state


@pytest.mark.parametrize(("each", "colour"), [({}, "-"), (BLUE_GREEN, "blue")])
def test_a_healthy_environment_is_one_table(
    environment: Environment, each: dict[str, Any], colour: str
) -> None:
    assert environment.act("deploy", each=each).code == 0
    done = environment.act("health", each=each)
    assert done.code == 0, done.summary
    head, backend, sample = done.summary.splitlines()[1:4]
    assert head.split() == [
        "service",
        "ready",
        "colour",
        "version",
        "restarts",
        "endpoints",
        "answers",
    ]
    assert backend.split() == ["backend", "3/3", colour, "one", "0", "3", "/health", "200"]
    assert sample.split() == ["sample-app", "2/2", colour, "one", "0", "2", "/health", "200"]
    assert done.summary.splitlines()[-1] == "healthy"


def test_where_nothing_was_delivered_nothing_is_healthy(environment: Environment) -> None:
    done = environment.act("health")
    assert done.code == UNHEALTHY
    assert f"namespace {environment.namespace} is not there" in done.summary
    assert environment.act("deploy", only=["backend"]).code == 0
    done = environment.act("health")
    assert done.code == UNHEALTHY
    assert "sample-app: it is not deployed" in done.summary


def test_a_service_that_does_not_answer_through_its_service_is_not_healthy(
    environment: Environment,
) -> None:
    assert environment.act("deploy").code == 0
    environment.answers["sample-app"] = False
    done = environment.act("health")
    assert done.code == UNHEALTHY
    assert "sample-app: /health through its Service: 500 as the test says" in done.summary
    assert "backend: /" not in done.summary


def test_pods_that_cannot_come_up_are_told_with_their_reason(
    environment: Environment, node: Node
) -> None:
    assert environment.act("deploy").code == 0
    node.states[digest("one")] = waiting("CrashLoopBackOff")
    namespace, pods = environment.namespace, environment.names("pods")
    environment.cluster.kubectl("-n", namespace, "delete", "pod", *pods, "--wait=false")
    while set(environment.names("pods")) & set(pods):
        pass
    try:
        done = environment.act("health")
    finally:
        del node.states[digest("one")]
    assert done.code == UNHEALTHY
    assert "backend: 0 of 3 pods are ready" in done.summary
    assert "backend: its Service sends requests to no pod" in done.summary


@pytest.mark.parametrize(("times", "minutes", "code"), [(3, 1, UNHEALTHY), (1, 1, 0), (3, 30, 0)])
def test_pods_that_keep_ending_are_not_well_although_they_are_ready(
    environment: Environment, node: Node, times: int, minutes: float, code: int
) -> None:
    node.states[digest("weak")] = ended(times, minutes)
    assert environment.act("deploy", "weak").code == 0
    done = environment.act("health", "weak")
    assert done.code == code, done.summary
    assert "backend ended before: 3x OOMKilled (137)" in done.summary
    keeps = f"backend: container backend keeps ending: {times} restarts"
    assert (keeps in done.summary) is (code == UNHEALTHY)
    assert f" {3 * times} " in done.summary.splitlines()[2]


def test_a_service_that_nobody_routes_to_is_not_healthy(environment: Environment) -> None:
    assert environment.act("deploy").code == 0
    path = f"/api/v1/namespaces/{environment.namespace}/services/backend"
    lost = {"spec": {"selector": {"app.kubernetes.io/name": "nobody"}}}
    environment.cluster.request("PATCH", path, lost)
    slices = "discovery.k8s.io/v1/endpointslices"

    def routed() -> bool:
        api = f"/apis/discovery.k8s.io/v1/namespaces/{environment.namespace}/endpointslices"
        found = environment.cluster.items(api, "kubernetes.io/service-name=backend")
        return any(each.get("endpoints") for each in found)

    assert environment.names(slices)
    while routed():
        pass
    done = environment.act("health")
    assert done.code == UNHEALTHY
    assert "backend: its Service sends requests to no pod" in done.summary


def warn(
    environment: Environment,
    name: str,
    minutes_ago: float,
    reason: str = "BackOff",
    about: str = "backend-1",
) -> None:
    """Report trouble as the kubelet does."""
    at = write_time(datetime.now(UTC) - timedelta(minutes=minutes_ago))
    involved = {"kind": "Pod", "name": about, "namespace": environment.namespace}
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name},
        "involvedObject": involved,
        "type": "Warning",
        "reason": reason,
        "message": "Back-off restarting\nfailed container",
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 2,
    }
    environment.make("events", event)


def test_warnings_of_the_last_minutes_are_summed_up(environment: Environment) -> None:
    assert environment.act("deploy").code == 0
    warn(environment, "a", 3)
    warn(environment, "b", 2)
    warn(environment, "c", 40, "TooLongAgo")
    warn(environment, "d", 4, about="backend-green-6d4cf56db6-x2x4z")
    warn(environment, "e", 5, about="backend-green-6d4cf56db6-9j7vq")
    done = environment.act("health")
    assert done.code == 0
    told = "Back-off restarting failed container (4 times)"
    assert f"2 min ago  BackOff  Pod backend-1: {told}" in done.summary
    assert f"4 min ago  BackOff  pods of backend-green: {told}" in done.summary
    assert "TooLongAgo" not in done.summary


def test_the_quota_that_is_used_is_told(environment: Environment) -> None:
    assert environment.act("deploy").code == 0
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "room"}}
    environment.make("resourcequotas", {**body, "spec": {"hard": {"pods": "40"}}})
    status = {"hard": {"pods": "40"}, "used": {"pods": "5"}}
    path = f"/api/v1/namespaces/{environment.namespace}/resourcequotas/room/status"
    environment.cluster.request("PATCH", path, {"status": status})
    assert "room: pods 5 of 40" in environment.act("health").summary


def test_an_address_that_fails_is_not_healthy_and_one_that_leads_nowhere_is_only_told(
    environment: Environment,
) -> None:
    assert environment.act("deploy").code == 0
    with serving(always(500)) as (_, target):
        url = f"http://127.0.0.1:{target.port}"
        bad = environment.act("health", url=url)
    assert bad.code == UNHEALTHY
    assert f"{url} answers 500" in bad.summary
    gone = environment.act("health", url=url)
    assert gone.code == 0, gone.summary
    assert f"{url} is not reached from here" in gone.summary


def certificate(folder: Path, days: int) -> tuple[ssl.SSLContext, Path]:
    """Make a server's certificate for localhost."""
    key, made = folder / "key.pem", folder / "certificate.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days)]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    where = ["-keyout", str(key), "-out", str(made)]
    subprocess.run([*words, *names, *where], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made, key)
    return context, made


@pytest.mark.parametrize(
    ("days", "trusted", "told", "bad"),
    [
        (90, True, "answers 200, its certificate is good for 8", False),
        (5, True, "its certificate ends in 4 days", True),
        (90, False, "its certificate is not accepted: ", True),
    ],
)
def test_the_certificate_of_the_address_is_looked_at(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    days: int,
    trusted: bool,
    told: str,
    bad: bool,
) -> None:
    context, made = certificate(tmp_path, days)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(made))
    with serving(always()) as (server, target):
        server.secret = context
        found = look_at(f"https://localhost:{target.port}")
    assert told in found.told
    assert bool(found.problem) is bad


def test_the_table_names_the_version_that_users_reach(environment: Environment) -> None:
    assert environment.act("deploy", "one", each=BLUE_GREEN).code == 0
    assert environment.act("deploy", "two", each=BLUE_GREEN).code == 0
    assert environment.act("rollback", "two", each=BLUE_GREEN).code == 0
    backend = environment.act("health", "two", each=BLUE_GREEN).summary.splitlines()[2]
    assert backend.split()[2:4] == ["blue", "one"]


def test_one_service_that_cannot_be_looked_at_hides_no_other(environment: Environment) -> None:
    assert environment.act("deploy", each=BLUE_GREEN).code == 0
    path = f"/api/v1/namespaces/{environment.namespace}/services/backend"
    spoilt = {"metadata": {"annotations": {"shipyard.dev/live": "{"}}}
    environment.cluster.request("PATCH", path, spoilt)
    done = environment.act("health", each=BLUE_GREEN)
    assert done.code == UNHEALTHY
    assert "backend: could not be looked at: the annotation shipyard.dev/live" in done.summary
    assert "sample-app  2/2" in done.summary
