"""The gate that reads logs: what must not stand in them, and what cannot be read."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.gate import Policy, Result, Stage, Verdict
from delivery.gates import logs
from delivery.gates.logs import read_logs
from delivery.gates.scan import LONGEST_LINE, search
from delivery.settings import Settings
from tests.delivery.servers import Act, Asked, Behaviour, alive, answer, cluster_of, subject

Obj = dict[str, Any]
SINCE = datetime(2026, 11, 26, 12, 0, 1, 999, tzinfo=UTC)
RUNNING: Obj = {"name": "shop", "restartCount": 0, "state": {"running": {}}}
CRASHED: Obj = {"name": "shop", "restartCount": 1, "state": {"waiting": {"reason": "x"}}}
WAITING: Obj = {"name": "shop", "restartCount": 0, "state": {"waiting": {"reason": "x"}}}


def pods(*statuses: Obj, init: Obj | None = None) -> list[Obj]:
    """Describe pods by their containers."""
    told = {"initContainerStatuses": [init]} if init else {}
    return [
        {"metadata": {"name": f"shop-{number}"}, "status": {**told, "containerStatuses": [status]}}
        for number, status in enumerate(statuses)
    ]


def cluster(found: list[Obj], *texts: str, status: int = 200) -> Behaviour:
    """Serve pods and, one after the other, their logs."""
    left = list(texts)

    def behave(asked: Asked) -> list[Act]:
        if "/log" not in asked.path:
            return [answer(200, json.dumps({"items": found}).encode())]
        return [answer(status, (left.pop(0) if left else "").encode())]

    return behave


def judge(
    behaviour: Behaviour, folder: Path, stage: Stage = Stage.PREVIEW, **values: object
) -> tuple[Verdict, list[str]]:
    """Judge logs; give the verdict and what was asked for."""
    settings = Settings({"forbidden": ["Traceback", "(?i)panic"], **values}, "plan: gate")
    gate = read_logs(settings, "logs", Policy())
    with cluster_of(behaviour, folder) as (server, opened):
        return gate.judge(opened, subject(stage, SINCE), alive), server.paths


def test_clean_logs_pass_with_their_lines(tmp_path: Path) -> None:
    verdict, _ = judge(cluster(pods(RUNNING, RUNNING), "a\nb\n\n", "c\n"), tmp_path)
    assert verdict == Verdict(
        "logs",
        Result.PASS,
        "0 of 3 lines match, at most 0",
        {"lines": 3, "hits": 0, "logs": 2},
    )


def test_a_forbidden_line_fails_and_is_shown(tmp_path: Path) -> None:
    texts = ["fine\n", "fine\nDon't PANIC now\nTraceback (most recent call last)\n"]
    verdict, _ = judge(cluster(pods(RUNNING, RUNNING), *texts), tmp_path)
    assert verdict.result is Result.FAIL
    assert verdict.reason == "2 of 4 lines match, at most 0; '(?i)panic' in: Don't PANIC now"
    assert (
        judge(cluster(pods(RUNNING), texts[1]), tmp_path / "..", at_most=2)[0].result is Result.PASS
    )


def test_a_line_can_be_allowed_all_the_same(tmp_path: Path) -> None:
    text = "panic: expected in the drill\nPANIC button pressed\n"
    verdict, _ = judge(cluster(pods(RUNNING), text), tmp_path, allowed=["drill$", "button"])
    assert verdict.result is Result.PASS


def test_before_the_switch_whole_logs_are_read_and_of_earlier_runs_too(tmp_path: Path) -> None:
    found = pods(RUNNING, CRASHED, init={"name": "init", "restartCount": 0, "state": {}})
    verdict, paths = judge(cluster(found, "a", "b", "c", "d", "panic"), tmp_path)
    assert verdict.result is Result.FAIL
    base = "/api/v1/namespaces/near/pods"
    assert paths[0] == f"{base}?labelSelector=app%3Dshop%2Ccolour%3Dgreen"
    asked = [(urlsplit(path).path, parse_qs(urlsplit(path).query)) for path in paths[1:]]
    assert [(path, query["container"], "previous" in query) for path, query in asked] == [
        (f"{base}/shop-0/log", ["init"], False),
        (f"{base}/shop-0/log", ["shop"], False),
        (f"{base}/shop-1/log", ["init"], False),
        (f"{base}/shop-1/log", ["shop"], False),
        (f"{base}/shop-1/log", ["shop"], True),
    ]
    assert all("sinceTime" not in query for _, query in asked)
    assert all(int(query["limitBytes"][0]) == logs.LIMIT_BYTES for _, query in asked)


def test_afterwards_only_what_was_written_since(tmp_path: Path) -> None:
    _, paths = judge(cluster(pods(RUNNING), "a"), tmp_path, Stage.LIVE)
    assert parse_qs(urlsplit(paths[1]).query)["sinceTime"] == ["2026-11-26T12:00:01Z"]


@pytest.mark.parametrize(
    ("stage", "values", "result"),
    [
        (Stage.PREVIEW, {}, Result.NO_DATA),
        (Stage.LIVE, {}, Result.PASS),
        (Stage.PREVIEW, {"minimum_lines": 0}, Result.PASS),
        (Stage.LIVE, {"minimum_lines": 1}, Result.NO_DATA),
    ],
)
def test_silence_is_no_data_where_something_should_have_been_said(
    stage: Stage, values: dict[str, object], result: Result, tmp_path: Path
) -> None:
    verdict, _ = judge(cluster(pods(RUNNING), ""), tmp_path, stage, **values)
    assert verdict.result is result


@pytest.mark.parametrize("found", [[], pods(WAITING)])
def test_where_nothing_ever_ran_there_is_no_data(found: list[Obj], tmp_path: Path) -> None:
    verdict, paths = judge(cluster(found), tmp_path, minimum_lines=0)
    assert verdict.result is Result.NO_DATA
    assert len(paths) == 1


def test_a_log_that_may_not_be_read_is_an_error_that_names_the_right(tmp_path: Path) -> None:
    verdict, _ = judge(cluster(pods(RUNNING), "pods/log is forbidden", status=403), tmp_path)
    assert verdict.result is Result.ERROR
    assert verdict.reason == (
        "a log cannot be read: pods/log is forbidden; it takes the right to get pods/log"
    )


def test_one_log_that_cannot_be_read_lets_nothing_pass_but_hides_no_failure(tmp_path: Path) -> None:
    def behave(text: str) -> Behaviour:
        plain = cluster(pods(RUNNING, RUNNING), text)

        def second_fails(asked: Asked) -> object:
            return [answer(500, b"gone")] if "shop-1/log" in asked.path else plain(asked)

        return second_fails  # type: ignore[return-value]

    for text, result in (("fine", Result.ERROR), ("panic", Result.FAIL)):
        assert judge(behave(text), tmp_path)[0].result is result
        (tmp_path / "api.sock").unlink()


def test_pods_that_cannot_be_listed_are_an_error(tmp_path: Path) -> None:
    verdict, _ = judge(lambda _: [answer(500, b'{"message": "etcd"}')], tmp_path)
    assert (verdict.result, verdict.reason) == (Result.ERROR, "the pods cannot be listed: etcd")


def test_a_pattern_that_never_ends_is_an_error_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "SCAN_SECONDS", 1.0)
    begun = time.monotonic()
    verdict, _ = judge(cluster(pods(RUNNING), "a" * 60 + "b"), tmp_path, forbidden=["^(a+)+$"])
    assert time.monotonic() - begun < 5
    assert verdict.result is Result.ERROR
    assert "the patterns take longer than 1 s" in verdict.reason


def test_a_search_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "PROGRAM", tmp_path / "nowhere.py")
    verdict, _ = judge(cluster(pods(RUNNING), "a"), tmp_path)
    assert verdict.result is Result.ERROR
    assert verdict.reason.startswith("the logs cannot be searched: ")


def test_what_is_no_text_is_searched_as_well(tmp_path: Path) -> None:
    def behave(asked: Asked) -> list[Act]:
        if "/log" in asked.path:
            return [answer(200, b"\xff\xfe\x00 \xe2\x80\xa8 panic \x1b[31m\n")]
        return [answer(200, json.dumps({"items": pods(RUNNING)}).encode())]

    assert judge(behave, tmp_path)[0].result is Result.FAIL


lines = st.lists(st.sampled_from(["ok", "bad", "bad but known", "", "  ", "sad"]), max_size=20)


@given(lines)
def test_every_line_is_counted_once(found: list[str]) -> None:
    told = search(["bad", "sad", "b"], ["known"], "\n".join(found))
    spoken = [line for line in found if line.strip()]
    assert told["lines"] == len(spoken)
    wanted = [line for line in spoken if line in {"bad", "sad"}]
    assert told["hits"] == len(wanted)
    assert told["line"] == (wanted[0] if wanted else "")


def test_a_line_is_searched_to_a_length() -> None:
    assert search(["x$"], [], "y" * LONGEST_LINE + "x")["hits"] == 0
    assert search(["x$"], [], "y" * (LONGEST_LINE - 1) + "x")["hits"] == 1


def test_the_line_that_is_shown_keeps_its_secrets(tmp_path: Path) -> None:
    verdict, _ = judge(cluster(pods(RUNNING), "Panic: login with password=hunter2\n"), tmp_path)
    assert verdict.reason.endswith("in: Panic: login with password=[hidden]")
