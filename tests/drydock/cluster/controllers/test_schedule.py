"""Cron schedules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drydock.cluster.controllers.schedule import Schedule

START = datetime(2026, 11, 22, 10, 30, 59, tzinfo=UTC)  # a Sunday


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("* * * * *", "2026-11-22T10:31"),
        ("*/15 * * * *", "2026-11-22T10:45"),
        ("0 9-17/4 * * mon-fri", "2026-11-23T09:00"),
        ("5 4 29 2 *", "2028-02-29T04:05"),
        ("@daily", "2026-11-23T00:00"),
        ("0 0 1 * 3", "2026-11-25T00:00"),  # both day fields: either of them counts
        ("30 10 * * 7", "2026-11-29T10:30"),
        ("0 12 ? jan,JUL *", "2027-01-01T12:00"),
    ],
)
def test_the_next_moment(text, following):
    """Each schedule names the first moment after the start."""
    assert Schedule.parse(text).after(START).strftime("%Y-%m-%dT%H:%M") == following


@pytest.mark.parametrize(
    "text", ["", "* * * *", "61 * * * *", "* * * * xyz", "*/0 * * * *", "5-1 * * * *"]
)
def test_a_wrong_schedule_is_refused(text):
    """A schedule that cannot be read raises ValueError."""
    with pytest.raises(ValueError, match=r"."):
        Schedule.parse(text)


def test_a_day_that_never_comes_has_no_next_moment():
    """The thirtieth of February."""
    assert Schedule.parse("0 0 30 2 *").after(START) is None
