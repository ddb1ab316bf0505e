"""Old events go, fresh ones stay, and events list in the order they came."""

from __future__ import annotations

from datetime import timedelta

from drydock.cluster.controllers.expiry import EventExpiry, last_written
from drydock.cluster.controllers.meta import now, stamp
from drydock.cluster.controllers.record import Recorder

THING = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "default", "uid": "u"},
}


async def test_events_live_for_an_hour_after_their_last_write(api):
    """An event whose series was continued is as young as its last entry."""
    client = api.client("test")
    recorder = Recorder(client, "tester")
    for reason in ("Old", "Continued"):
        await recorder.normal(THING, reason, "text")
    expiry, later = EventExpiry(client), now() + timedelta(minutes=59)
    for event in (await client.list("v1/Event"))[0]:
        if event["reason"] == "Continued":
            name = event["metadata"]["name"]
            change = {"lastTimestamp": stamp(later)}
            await client.patch("v1/Event", "default", name, change)
    await expiry.sweep(later)
    assert len((await client.list("v1/Event"))[0]) == 2
    await expiry.sweep(now() + timedelta(minutes=61))
    assert [one["reason"] for one in (await client.list("v1/Event"))[0]] == ["Continued"]


def test_an_event_of_the_newer_form_has_its_time():
    """`eventTime` and `series` count as writes."""
    made = {"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}, "lastTimestamp": None}
    newer = {**made, "eventTime": "2026-01-01T00:10:00.000000Z"}
    assert last_written(newer).minute == 10
    assert (
        last_written(
            {**newer, "series": {"lastObservedTime": "2026-01-01T00:20:00.000000Z"}}
        ).minute
        == 20
    )


async def test_events_of_one_second_are_listed_as_they_came(api):
    """The name carries the moment, so kubectl shows them in order."""
    client = api.client("test")
    recorder = Recorder(client, "tester")
    reasons = [f"Step{at}" for at in range(12)]
    for reason in reasons:
        await recorder.normal(THING, reason, "text")
    assert [one["reason"] for one in (await client.list("v1/Event"))[0]] == reasons
