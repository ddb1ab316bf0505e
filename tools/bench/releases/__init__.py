"""What a release costs users: requests lost and seconds, with real pods under 200 requests a second.

Users come through the ingress, each request on a connection of its own. They, kubectl, the cluster and all pods
share the machine, so the times are upper bounds.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from delivery.sample import Sample
from tools.bench.page import Row
from tools.bench.releases.manifests import MILL, REPLICAS, SHOP
from tools.bench.releases.stage import GATES, Stage, staged
from tools.bench.releases.users import RATE, Watcher, users

BLUE_GREEN, ROLLING = "blue-green", "rolling"
QUICK = {"blue_green": {"watch_seconds": 1, "standby_seconds": 900}}
WATCHED = {"blue_green": {"watch_seconds": 20, "standby_seconds": 900}, "gates": GATES}
UPDATES = 5


def measure(root: Path, switches: int) -> tuple[list[str], list[Row]]:
    """Take every number; give them with the words that stand above them."""
    with staged(root) as stage:
        rows = [*switched(stage, switches), *bad(stage), *rolled(stage)]
    words = [
        f"Real pods ({REPLICAS} of each service), {RATE:.0f} requests/s through the ingress all the while, users and cluster on",
        "the same machine. Times of commands are those of `python -m delivery`, from its start to its end.",
    ]
    return words, rows


def switched(stage: Stage, switches: int) -> list[Row]:
    """Switch to a new release and back again, many times."""
    stage.must("deploy", SHOP, "one", BLUE_GREEN, **QUICK)
    forth, back, serving = [], [], []
    with Watcher(stage.port, SHOP) as watcher, users(stage.port, SHOP) as probe:
        for number in range(switches):
            done = stage.must("deploy", SHOP, "two", BLUE_GREEN, **QUICK)
            forth.append(done.seconds)
            done = stage.must("rollback", SHOP, "two", BLUE_GREEN, **QUICK)
            back.append(done.seconds)
            serving.append(watcher.first("one", done.begun))
            note(
                f"switch {number + 1}: {forth[-1]:.1f} s, back {serving[-1]:.2f} s", probe.sample()
            )
    sample = probe.sample()
    return [
        Row(
            f"{switches} blue-green switches and {switches} back: {told(sample)}", lost(sample), "0"
        ),
        Row(
            "a blue-green release, from the command to the end of its watch of 1 s",
            spread(forth),
            "",
        ),
        Row("`rollback`, from the command to the old version serving", spread(serving), "2 s"),
        Row("`rollback`, the whole command", spread(back), ""),
    ]


def bad(stage: Stage) -> list[Row]:
    """Deliver releases that are bad, each in its own way."""
    rows = []
    for version, words in (
        ("crash", "crashes at its start"),
        ("errors", "answers 500 and says it is healthy"),
        ("slow", "takes 1.5 s an answer and says it is healthy"),
    ):
        with users(stage.port, SHOP) as probe:
            done = stage.act("deploy", SHOP, version, BLUE_GREEN, **WATCHED)
        sample = probe.sample()
        note(f"{version}: {done.code} after {done.seconds:.1f} s", sample)
        if not done.code:
            raise SystemExit(f"{version} went through:\n{done.told}")
        what = f"a release that {words}: found and taken away"
        rows.append(Row(what, f"{done.seconds:.1f} s", "15 s"))
        rows.append(Row(f"users meanwhile: {told(sample)}", lost(sample), "0"))
    return [*rows, *_late(stage)]


def _late(stage: Stage) -> list[Row]:
    """Deliver a release that passes its preview and turns bad in front of users."""
    with Watcher(stage.port, SHOP) as watcher, users(stage.port, SHOP) as probe:
        done = stage.act("deploy", SHOP, "late", BLUE_GREEN, **WATCHED)
    sample = probe.sample()
    note(f"late: {done.code} after {done.seconds:.1f} s", sample)
    if not done.code:
        raise SystemExit(f"late went through:\n{done.told}")
    live = done.begun + watcher.first("late", done.begun)
    back = watcher.first("one", live)
    what = "a release that turns bad after its preview: from its first 500 to users being back"
    rest = f"of the {back:.1f} s that users were with it; requests that it failed"
    # Every answer was a 500 from the first one on, so their number is a time.
    return [Row(what, f"{sample.failed / RATE:.1f} s", "15 s"), Row(rest, str(sample.failed), "")]


def rolled(stage: Stage) -> list[Row]:
    """Update in place, to and fro."""
    stage.must("deploy", MILL, "one", ROLLING)
    times, versions = [], ["two", "three"]
    with Watcher(stage.port, MILL) as watcher, users(stage.port, MILL) as probe:
        for number in range(UPDATES):
            done = stage.must("deploy", MILL, versions[number % 2], ROLLING)
            times.append(done.seconds)
            note(f"update {number + 1}: {times[-1]:.1f} s", probe.sample())
        last, before = versions[(UPDATES - 1) % 2], versions[UPDATES % 2]
        done = stage.must("rollback", MILL, last, ROLLING)
        serving = watcher.first(before, done.begun)
    sample = probe.sample()
    return [
        Row(f"{UPDATES} rolling updates and a rollback: {told(sample)}", lost(sample), "0"),
        Row("a rolling update, the whole command", spread(times), ""),
        Row(
            "`rollback` of a rolling service, from the command to the old version serving",
            f"{serving:.2f} s",
            "",
        ),
        Row("`rollback` of a rolling service, the whole command", f"{done.seconds:.1f} s", ""),
    ]


def told(sample: Sample) -> str:
    """Write how users fared."""
    return f"of {sample.sent} requests, p99 {sample.p99_ms:.0f} ms, failed"


def lost(sample: Sample) -> str:
    """Write how many requests failed, and why."""
    why = ", ".join(f"{number}x {reason}" for reason, number in sample.failures.items())
    return f"{sample.failed} ({why})" if why else "0"


def spread(seconds: list[float]) -> str:
    """Write the median and the worst."""
    return f"{statistics.median(seconds):.1f} s, at worst {max(seconds):.1f} s"


def note(line: str, sample: Sample) -> None:
    """Tell whoever waits."""
    print(f"  {line}; {sample.sent} sent, {lost(sample)} failed", file=sys.stderr, flush=True)
