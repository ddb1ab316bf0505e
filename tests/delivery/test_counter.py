"""The drop counter: every request that was due while the block lasted is in the sample."""

import time
from pathlib import Path

import pytest

from delivery.cluster import Cluster
from delivery.counter import Watched, counting, told
from delivery.gate import Stage
from delivery.sample import Sample
from tests.delivery.servers import always, cluster_of, subject


def test_answers_that_come_after_the_block_are_counted(tmp_path: Path) -> None:
    with cluster_of(always(200, after=0.4), tmp_path) as (server, cluster):
        watched = {"shop": Watched(subject(Stage.LIVE), rate=20)}
        with counting(cluster, watched) as samples:
            time.sleep(0.3)
            assert samples == {}
    # Not one of them had been answered when the block ended.
    assert samples["shop"].sent == len(server.asked) >= 6
    assert samples["shop"].failed == 0


def test_what_fails_is_counted_also_when_the_block_is_left_by_an_error(tmp_path: Path) -> None:
    samples: list[dict[str, Sample]] = []
    with cluster_of(always(503), tmp_path) as (_, cluster):
        watched = {"shop": Watched(subject(Stage.LIVE), rate=20, path="/buy")}
        with pytest.raises(KeyError):
            failing(cluster, watched, samples)
    assert samples[0]["shop"].sent == samples[0]["shop"].failed > 0


def failing(
    cluster: Cluster, watched: dict[str, Watched], samples: list[dict[str, Sample]]
) -> None:
    """Count, and end badly."""
    with counting(cluster, watched) as counted:
        samples.append(counted)
        time.sleep(0.2)
        raise KeyError


def test_the_line_for_people_names_what_was_sent_and_what_failed() -> None:
    assert told("shop", None) == []
    sample = Sample(sent=200, failed=1, unmeasured=3, p99_ms=12.4, first_failure="status 502")
    (line,) = told("shop", sample)
    assert line == (
        "shop: 200 requests sent meanwhile, 1 failed, p99 12 ms; the first with status 502"
        " (3 more did not get as far as the service)"
    )
