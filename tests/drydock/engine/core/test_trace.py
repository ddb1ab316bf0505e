"""What a follower gets that comes late or lags behind."""

from __future__ import annotations

from typing import Any

from drydock.engine.trace import Backlog, Event, Trace


def text(letters: str) -> Event:
    return {"event": "log", "text": letters}


def test_a_backlog_keeps_the_latest_events() -> None:
    backlog = Backlog(events=2)
    for letters in "abc":
        backlog.add(text(letters))
    assert [event["text"] for event in backlog.take()] == ["b", "c"]
    assert backlog.take() == []


def test_a_backlog_is_bounded_by_the_text_it_holds() -> None:
    """A command that writes without end costs no more memory than that."""
    backlog = Backlog(events=100, letters=10)
    for letters in ("aaaa", "bbbb", "cccc"):
        backlog.add(text(letters))
    assert [event["text"] for event in backlog.all()] == ["bbbb", "cccc"]
    backlog.add(text("d" * 50))
    assert [event["text"] for event in backlog.all()] == ["d" * 50]


def test_a_late_follower_hears_of_the_past_first() -> None:
    trace = Trace()
    heard: list[Any] = []
    with trace.root().child("early").active():
        pass
    with trace.followed_by(lambda event: heard.append((event["event"], event["name"]))):
        trace.root().child("late").start()
    assert heard == [("start", "early"), ("end", "early"), ("start", "late")]
