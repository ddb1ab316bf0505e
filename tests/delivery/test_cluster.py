"""Requests to the API server: what passes by itself is asked again, a write never is."""

from pathlib import Path

import pytest

from delivery.cluster import ApiError
from tests.delivery.servers import RESET, acting, always, answer, cluster_of, in_turn

GOOD = always(200, b'{"kind": "Pod"}')


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_question_that_is_refused_for_a_moment_is_asked_again(
    tmp_path: Path, status: int
) -> None:
    with cluster_of(in_turn(always(status), always(status), GOOD), tmp_path) as (server, cluster):
        assert cluster.request("GET", "/pods/a") == {"kind": "Pod"}
    assert server.paths == ["/pods/a"] * 3


def test_a_question_that_stays_without_answer_ends_in_an_error(tmp_path: Path) -> None:
    with cluster_of(acting(RESET), tmp_path) as (server, cluster):
        with pytest.raises(ApiError) as refused:
            cluster.request("GET", "/pods/a")
        assert refused.value.status == 0
    assert len(server.paths) == 4


@pytest.mark.parametrize("status", [403, 404, 409])
def test_a_refusal_that_lasts_is_not_asked_again(tmp_path: Path, status: int) -> None:
    with cluster_of(always(status), tmp_path) as (server, cluster), pytest.raises(ApiError):
        cluster.request("GET", "/pods/a")
    assert len(server.paths) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_write_is_sent_once_for_it_may_have_been_carried_out(tmp_path: Path, method: str) -> None:
    with cluster_of(always(500), tmp_path) as (server, cluster), pytest.raises(ApiError):
        cluster.request(method, "/pods/a", {})
    assert len(server.paths) == 1


def test_an_answer_that_breaks_off_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    half = answer(200, b"{}", content_length="100")
    with cluster_of(in_turn(acting(half), GOOD), tmp_path) as (_, cluster):
        assert cluster.request("GET", "/pods/a") == {"kind": "Pod"}
