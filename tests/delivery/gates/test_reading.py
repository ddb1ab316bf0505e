"""Gates in the plan: what is read, and how a mistake is told."""

import math

import pytest

from delivery.errors import PlanError
from delivery.gate import Answer, Gate, Policy
from delivery.gates import KINDS, read_gates
from delivery.gates.burn_rate import BurnRateGate
from delivery.gates.guard import Guarded, Retry
from delivery.gates.http import HttpGate
from delivery.gates.logs import LogsGate
from delivery.gates.prometheus import Bounds, PrometheusGate
from delivery.gates.requests import RequestsGate
from delivery.gates.restarts import RestartsGate
from delivery.slo import Slo

SLO = Slo("shop", 30, 99.5, 95.0, 250.0, ("/api/items/{id}", "/"), "/api/items/1")
ADDRESS = "http://prometheus.example:9090"


def read(*gates: object, slo: Slo | None = SLO, prometheus: str = ADDRESS) -> list[Guarded]:
    """Read gates of a plan."""
    found: tuple[Gate, ...] = read_gates(list(gates), "plan: shop: gates.live", slo, prometheus)
    assert all(isinstance(gate, Guarded) for gate in found)
    return [gate for gate in found if isinstance(gate, Guarded)]


def only(**values: object) -> object:
    """Read one gate and take its guard away."""
    (guarded,) = read(values)
    return guarded.gate


def test_a_stage_without_gates_has_none() -> None:
    assert read_gates(None, "plan") == ()
    assert read_gates([], "plan") == ()


def test_a_gate_is_named_by_its_kind_if_not_named() -> None:
    first, second = read({"kind": "http"}, {"kind": "http", "name": "front page"})
    assert (first.name, second.name) == ("http", "front page")


def test_policy_and_retries_surround_every_kind() -> None:
    policy = {"error": "go", "no_data": "go", "limit": 3}
    (gate,) = read({"kind": "http", "policy": policy, "retry": {"times": 2, "pause_seconds": 0}})
    assert gate.policy == Policy(Answer.GO, Answer.GO, 3)
    assert gate.retry == Retry(2, 0)
    (plain,) = read({"kind": "http"})
    assert (plain.policy, plain.retry.times) == (Policy(), 0)


def test_no_data_of_users_requests_goes_on_unless_the_plan_blocks_it() -> None:
    """Right after a switch nobody can have counted them."""
    told, blocking = read(
        {"kind": "burn-rate"},
        {"kind": "burn-rate", "name": "strict", "policy": {"no_data": "block"}},
    )
    assert told.policy == Policy(Answer.BLOCK, Answer.GO, 1)
    assert blocking.policy == Policy()


def test_an_http_gate_asks_the_health_for_a_good_status_if_not_told_otherwise() -> None:
    gate = only(kind="http")
    assert isinstance(gate, HttpGate)
    assert (gate.path, gate.expected.statuses, gate.successes) == (
        "",
        frozenset(range(200, 300)),
        1,
    )
    told = only(
        kind="http",
        path="/x",
        status=404,
        headers={"Accept": "text/html"},
        body_contains=["a"],
        answer_headers={"X-Frame-Options": "DENY"},
    )
    assert isinstance(told, HttpGate)
    assert (told.path, told.expected.statuses, told.sent) == ("/x", {404}, {"Accept": "text/html"})
    assert (told.expected.body, told.expected.headers) == (("a",), {"X-Frame-Options": "DENY"})


def test_the_promise_gives_targets_and_path_to_the_requests_gate() -> None:
    gate = only(kind="requests")
    assert isinstance(gate, RequestsGate)
    targets = gate.targets
    assert (gate.path, targets.success_percent) == ("/api/items/1", 99.5)
    assert (targets.latency_percent, targets.latency_ms) == (95.0, 250.0)
    own = only(kind="requests", success=90, latency={"milliseconds": 500}, path="/other")
    assert isinstance(own, RequestsGate)
    assert (own.path, own.targets.success_percent, own.targets.latency_ms) == ("/other", 90, 500)
    assert own.targets.latency_percent == 95.0


def test_without_a_promise_the_requests_gate_names_its_targets() -> None:
    with pytest.raises(PlanError, match=r"gates.live\[0\].success is missing, give a number"):
        read({"kind": "requests"}, slo=None)
    with pytest.raises(PlanError, match=r"\[0\].latency.milliseconds is missing"):
        read({"kind": "requests", "success": 99}, slo=None)
    (gate,) = read({"kind": "requests", "success": 99, "latency": {"milliseconds": 9}}, slo=None)
    assert isinstance(gate.gate, RequestsGate)
    assert (gate.gate.path, gate.gate.targets.latency_percent) == ("", 99)


def test_a_prometheus_gate_has_a_query_bounds_and_the_address_of_the_environment() -> None:
    gate = only(kind="prometheus", query="up", at_most=1)
    assert isinstance(gate, PrometheusGate)
    assert (gate.address, gate.query, gate.samples) == (ADDRESS, "up", "")
    assert gate.bounds == Bounds(-math.inf, 1)
    samples = {"query": 'sum(x{service="$service"})', "minimum": 5}
    other = only(
        kind="prometheus", query="up", at_least=1, samples=samples, address="service://a/b:c"
    )
    assert isinstance(other, PrometheusGate)
    assert (other.address, other.samples, other.minimum) == (
        "service://a/b:c",
        samples["query"],
        5,
    )


def test_a_burn_rate_gate_is_about_the_promise() -> None:
    gate = only(kind="burn-rate", labels={"job": "$namespace/$service"})
    assert isinstance(gate, BurnRateGate)
    assert (gate.slo, gate.factor, gate.labels) == (SLO, 14.4, {"job": "$namespace/$service"})


def test_restarts_and_logs_have_few_settings() -> None:
    restarts = only(kind="restarts", at_most=2, other_colour_factor=3)
    assert isinstance(restarts, RestartsGate)
    assert (restarts.most, restarts.factor) == (2, 3)
    logs = only(kind="logs", forbidden=["Traceback"], allowed=["expected"], minimum_lines=0)
    assert isinstance(logs, LogsGate)
    assert (logs.forbidden, logs.allowed, logs.minimum) == (("Traceback",), ("expected",), 0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r"\[0\].kind is missing, give one of burn-rate, http, logs, prometheus, requests, r"),
        ({"kind": "https"}, r"\[0\].kind is 'https', not one of burn-rate, http"),
        ({"kind": "http", "pth": "/"}, r"\[0\].pth is no key .* did you mean 'path'\?"),
        ({"kind": "http", "status": "200"}, r"\[0\].status is '200', not a whole number"),
        (
            {"kind": "http", "policy": {"error": "pass"}},
            r"policy.error is 'pass', not one of go, bl",
        ),
        ({"kind": "http", "policy": {"limit": 0}}, r"policy.limit is 0, not a whole number from 1"),
        ({"kind": "http", "policy": {"on": 1}}, r"policy.on is no key"),
        ({"kind": "http", "retry": {"times": 99}}, r"retry.times is 99, not a whole number from 0"),
        ({"kind": "http", "retry": {"time": 1}}, r"retry.time is no key"),
        ({"kind": "requests", "rate": 0}, r"rate is 0, not a number from 0.1 to 2000"),
        ({"kind": "requests", "latency": {"p99": 1}}, r"latency.p99 is no key"),
        ({"kind": "prometheus", "at_most": 1}, r"query is missing, give a PromQL query"),
        ({"kind": "prometheus", "query": "up"}, r"at_most is missing, give it or at_least"),
        (
            {"kind": "prometheus", "query": "up{a='$nam'}", "at_most": 1},
            r"query has a name that is not known: 'nam'. Known: \$namespace, \$service, \$colour",
        ),
        ({"kind": "prometheus", "query": "up$", "at_most": 1}, r"a plain \$ is written \$\$"),
        (
            {"kind": "prometheus", "query": "up", "at_most": 1, "address": "p:9090"},
            r"address is no address: 'p:9090' is no http or https address",
        ),
        (
            {"kind": "prometheus", "query": "up", "at_most": 1, "samples": {"minimum": 1}},
            r"samples.query is missing",
        ),
        (
            {"kind": "prometheus", "query": "up", "at_most": 1, "samples": {"query": "1", "m": 1}},
            r"samples.m is no key",
        ),
        ({"kind": "burn-rate", "labels": {"job": "$job"}}, r"labels.job has a name .* 'job'"),
        ({"kind": "logs"}, r"forbidden is missing"),
        ({"kind": "logs", "forbidden": ["a", "(b"]}, r"forbidden\[1\] is '\(b', no regular expr"),
        ({"kind": "restarts", "at_most": -1}, r"at_most is -1"),
    ],
)
def test_a_wrong_gate_is_told_with_what_is_allowed(values: object, message: str) -> None:
    with pytest.raises(PlanError, match=message) as caught:
        read(values)
    assert str(caught.value).startswith("plan: shop: gates.live[0].")


def test_a_burn_rate_gate_needs_a_promise_with_handlers() -> None:
    silent = Slo("page", 30, 99.5, 95.0, 250.0, (), "/")
    for slo in (None, silent):
        with pytest.raises(PlanError, match="no SLO with handlers; use 'requests'"):
            read({"kind": "burn-rate"}, slo=slo)


def test_prometheus_gates_need_an_address() -> None:
    for gate in ({"kind": "prometheus", "query": "up", "at_most": 1}, {"kind": "burn-rate"}):
        with pytest.raises(PlanError, match="address is missing, give http://HOST:PORT"):
            read(gate, prometheus="")


@pytest.mark.parametrize("values", ["http", {"kind": "http"}, 1])
def test_gates_that_are_no_list_are_refused(values: object) -> None:
    with pytest.raises(PlanError, match=r"^plan: x is .*, not a list of gates$"):
        read_gates(values, "plan: x")


def test_an_element_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(PlanError, match=r"^plan: x\[1\] is 'http', not a mapping$"):
        read_gates([{"kind": "http"}, "http"], "plan: x")


def test_two_gates_of_one_name_are_refused() -> None:
    with pytest.raises(PlanError, match="two gates have the name 'http'"):
        read({"kind": "http"}, {"kind": "restarts", "name": "http"})


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_says_how_long_it_takes_at_most(kind: str) -> None:
    more = {"logs": {"forbidden": ["x"]}, "prometheus": {"query": "up", "at_most": 1}}
    (gate,) = read({"kind": kind, **more.get(kind, {})})
    assert 0 < gate.gate.bound_seconds < 60
