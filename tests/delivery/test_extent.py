"""How far a rollback goes: with all that the last release changed, and with nothing else."""

from typing import Any

from delivery.extent import extent
from delivery.history import Entry


def entry(plan: str, ended: str, verdict: str = "live", **changes: Any) -> Entry:
    """Make a record of a delivery at a time of day."""
    values = {
        "action": "deploy",
        "verdict": verdict,
        "strategy": "rolling",
        "version": f"of-{plan}",
        "revision": "abc",
        "image": "i",
        "who": "ann",
        "plan": plan,
        "begun": "",
        "ended": ended,
        "seconds": 1.0,
        **changes,
    }
    return Entry(**values)


def test_what_the_last_release_changed_goes_back_together() -> None:
    found = extent(
        {
            "backend": [entry("two", "12:00"), entry("one", "11:00")],
            "frontend": [entry("two", "12:01"), entry("one", "11:00")],
            "cart": [entry("one", "11:00")],
        }
    )
    assert found.back == ("backend", "frontend")
    assert found.stay.keys() == {"cart"}
    assert (
        "it stays at of-one of 11:00: the last release, at 12:01, did not change it"
        in found.stay["cart"]
    )
    assert "name it alone" in found.stay["cart"]


def test_one_service_alone_goes_back_whatever_others_did() -> None:
    assert extent({"cart": [entry("one", "11:00")]}).back == ("cart",)


def test_what_never_reached_its_users_stays() -> None:
    found = extent({"backend": [entry("two", "12:00")], "cart": [entry("two", "12:00", "failed")]})
    assert found.back == ("backend",)
    assert found.stay["cart"].endswith("of-two did not reach its users (failed)")


def test_a_watch_that_nobody_ended_counts_as_reached() -> None:
    histories = {
        "backend": [entry("two", "12:00", "failed")],
        "cart": [entry("two", "12:00", "failed")],
    }
    assert extent(histories, {"cart"}).back == ("cart",)


def test_a_second_rollback_is_about_what_went_back_and_not_about_the_release_before() -> None:
    back = entry("undo", "13:00", "rolled back", action="rollback")
    found = extent({"backend": [back, entry("two", "12:00")], "cart": [entry("one", "11:00")]})
    assert found.back == ("backend",)


def test_what_was_only_looked_at_or_aborted_is_no_release() -> None:
    aborted = entry("three", "14:00", "aborted", action="abort")
    waits = entry("four", "15:00", "waits")
    found = extent(
        {"backend": [entry("two", "12:00")], "cart": [aborted, waits, entry("one", "11:00")]}
    )
    assert found.back == ("backend",)


def test_without_any_record_all_that_is_named_goes_back() -> None:
    assert extent({"backend": [], "cart": []}).back == ("backend", "cart")


def test_a_service_without_a_record_stays_when_others_have_one() -> None:
    found = extent({"backend": [entry("two", "12:00")], "cart": []})
    assert found.back == ("backend",)
    assert "no delivery of it is on record" in found.stay["cart"]
