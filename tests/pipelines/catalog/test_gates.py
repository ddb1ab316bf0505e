"""Gates in files: what the catalogue lets through is what the delivery reads, key by key and bound by bound."""

import json
import math
import re
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from delivery.errors import PlanError
from delivery.gates import KINDS as DELIVERY_KINDS
from delivery.gates import read_gates
from delivery.slo import Slo as Promise
from delivery.strategy import OWN_GATES
from pipelines.catalog import DocumentError
from pipelines.catalog.document import Document
from pipelines.catalog.gates import KINDS, STAGES, TAKEN, check_gates

PROMISE = Promise("shop", 30, 99.5, 95.0, 250.0, ("/api/items",), "/api/items")
ADDRESS = "http://prometheus.example:9090"
WHOLE: dict[str, dict[str, Any]] = {
    "burn-rate": {},
    "http": {},
    "logs": {"forbidden": ["Traceback"]},
    "prometheus": {"query": "up", "at_most": 1},
    "requests": {},
    "restarts": {},
}
"""The least that each kind takes."""
GOOD: dict[str, Any] = {
    "address": "service://monitoring/prometheus:9090",
    "allowed": ["^GET"],
    "answer_headers": {"X-Frame-Options": "DENY"},
    "at_least": 0.5,
    "at_most": 2,
    "body_contains": ["items"],
    "connections": 4,
    "factor": 6,
    "failures": 2,
    "failures_in_a_row": 3,
    "forbidden": ["a|b"],
    "headers": {"Accept": "text/html"},
    "labels": {"job": "$namespace/$service"},
    "latency": {"percent": 95, "milliseconds": 100},
    "minimum": 30,
    "minimum_lines": 0,
    "name": "one of a kind",
    "other_colour_factor": 2,
    "path": "/api/items",
    "patience_seconds": 0.5,
    "pause_seconds": 0.1,
    "policy": {"error": "go", "no_data": "block", "limit": 3},
    "query": 'sum(up{service="$service"})',
    "rate": 40,
    "retry": {"times": 2, "pause_seconds": 1},
    "samples": {"query": "sum(x)", "minimum": 5},
    "seconds": 4,
    "status": 204,
    "success": 99.9,
    "successes": 3,
    "window_seconds": 120,
    "within_seconds": 10,
}
WRONG: list[Any] = [
    "",
    "x",
    "/",
    "a b",
    "(",
    "$nobody",
    "http://",
    "service://x",
    -1,
    0,
    0.01,
    1,
    1.5,
    61,
    101,
    599,
    600,
    601,
    10_001,
    86_401,
    1_000_001,
    math.inf,
    True,
    [],
    [1],
    ["("],
    [""],
    ["x"],
    {},
    {"x": 1},
    {"x": "y"},
    {"x": "$nobody"},
    {"query": 1},
    {"query": "$nobody"},
    {"milliseconds": 0},
    {"percent": 101},
    {"limit": 0},
    {"error": "stay"},
    {"times": 11},
]


def catalogue_says(gate: object) -> str:
    """Check one gate as the catalogue does; give what is wrong, nothing when nothing is."""
    try:
        check_gates(Document("service.yaml", {"live": [gate]}, "gates."))
    except DocumentError as error:
        return str(error)
    return ""


def delivery_says(gate: object) -> str:
    """Read one gate as the delivery does, from JSON as the plan is."""
    try:
        read_gates(json.loads(json.dumps([gate])), "gates.live", PROMISE, ADDRESS)
    except PlanError as error:
        return str(error)
    return ""


def test_both_know_the_same_kinds_stages_and_taken_names() -> None:
    assert KINDS.keys() == DELIVERY_KINDS.keys() == WHOLE.keys()
    assert STAGES == ("preview", "live")
    assert TAKEN == OWN_GATES


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_both_allow_the_same_keys(kind: str) -> None:
    """Each lists what it allows when it meets a key that it does not know."""
    gate = {"kind": kind, **WHOLE[kind], "zzz": 1}
    allowed = [
        set(re.split(", ", re.split(r"Allowed: ", said(gate))[1]))
        for said in (catalogue_says, delivery_says)
    ]
    assert allowed[0] == allowed[1] == {"kind", "name", "policy", "retry", *KINDS[kind]}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_key_with_a_good_value_is_taken_by_both(kind: str) -> None:
    gate = {"kind": kind, **WHOLE[kind], **{key: GOOD[key] for key in KINDS[kind]}}
    gate |= {key: GOOD[key] for key in ("name", "policy", "retry")}
    assert catalogue_says(gate) == ""
    assert delivery_says(gate) == ""


@st.composite
def gates(draw: st.DrawFn) -> dict[str, Any]:
    """Make a gate of a kind with some keys, some of them wrong."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    keys = [*KINDS[kind], "name", "policy", "retry"]
    chosen = draw(st.lists(st.sampled_from(keys), unique=True, max_size=3))
    values = {key: draw(st.sampled_from([GOOD[key], *WRONG])) for key in chosen}
    left_out = draw(st.sets(st.sampled_from(sorted(WHOLE[kind])))) if WHOLE[kind] else set()
    whole = {key: value for key, value in WHOLE[kind].items() if key not in left_out}
    return {"kind": kind, **whole, **values}


@given(gates())
@example({"kind": "prometheus", "query": "up"})
@example({"kind": "logs"})
def test_what_one_refuses_the_other_refuses_too(gate: dict[str, Any]) -> None:
    assert bool(catalogue_says(gate)) is bool(delivery_says(gate)), catalogue_says(
        gate
    ) or delivery_says(gate)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("live: [{kind: htp}]", "gates.live[0].kind: 'htp' is not allowed, use one of: burn-rate"),
        ("live: [{kind: http, pathh: /}]", "gates.live[0].pathh: unknown key, did you mean 'path'"),
        ("prevew: [{kind: http}]", "gates.prevew: unknown key, did you mean 'preview'? Allowed:"),
        ("live: {kind: http}", "gates.live: {'kind': 'http'} is not a list of mappings"),
        ("live: [http]", "gates.live[0]: is not a mapping of keys to values"),
        ("live: [{kind: logs}]", "gates.live[0].forbidden: is missing, give a list of"),
        ('live: [{kind: logs, forbidden: ["("]}]', "forbidden[0]: '(' is no regular expression"),
        (
            "live: [{kind: prometheus, query: up}]",
            "live[0].at_most: is missing, give it or at_least",
        ),
        (
            "live: [{kind: prometheus, query: $x, at_most: 1}]",
            "query: has a name that is not known",
        ),
        ("live: [{kind: http}, {kind: http}]", "live[1].name: two gates of live are called 'http'"),
        ("live: [{kind: http, name: pods}]", "live[0].name: 'pods' is asked of every release"),
        (
            "live: [{kind: http, policy: {limit: 0}}]",
            "live[0].policy.limit: 0 is not a whole number",
        ),
    ],
)
def test_a_typo_is_told_by_file_key_and_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        check_gates(Document("service.yaml", yaml.safe_load(text), "gates."))
    assert f"service.yaml: {message}" in str(caught.value) or message in str(caught.value)
    assert str(caught.value).startswith("service.yaml: gates.")
