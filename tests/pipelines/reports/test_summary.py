"""The report: every stage once, by service; failures with their own words; the exit code of the first."""

from dataclasses import replace

from pipelines.model import StageResult, Status
from pipelines.reports import exit_code, render
from pipelines.reports.summary import table

GOOD = StageResult(service="shop", stage="lint", status=Status.PASSED, seconds=1.23, note="clean")
BAD = StageResult(
    service="shop",
    stage="types",
    status=Status.FAILED,
    seconds=2,
    exit_code=3,
    output="app.py:1: error: wrong\n",
    reproduce="dagger call types --service=shop",
)
UNMADE = StageResult(service="cart", stage="audit", status=Status.NOT_MADE, seconds=0.5)
LATER = StageResult(service="", stage="deploy", status=Status.SKIPPED, note="waits for shop: types")
DIGEST = "0123456789ab"
WIDTH = 100
SINCE = "2026-11-25 10:00"


def known(result: StageResult, saved: float = 0.0) -> StageResult:
    """Give a result that an earlier run had."""
    return replace(result, since=SINCE, saved=saved)


def test_a_good_run_has_a_line_per_stage_and_its_ending() -> None:
    assert render("Shipyard", [GOOD], "All good.") == (
        "Shipyard\n\n  shop\n    lint  ok          1.2 s  clean\n\nAll good.\n"
    )
    assert exit_code([GOOD, LATER]) == 0


def test_stages_stand_below_their_service_and_the_runs_own_last() -> None:
    """However they come: services in the order of their first stage, stages in theirs."""
    report = table([LATER, GOOD, UNMADE, replace(GOOD, stage="scan"), BAD])
    assert report.splitlines() == [
        "  shop",
        "    lint    ok          1.2 s  clean",
        "    scan    ok          1.2 s  clean",
        "    types   FAILED      2.0 s",
        "  cart",
        "    audit   NOT MADE    0.5 s",
        "  deploy    -                  waits for shop: types",
    ]


def test_the_columns_of_all_services_stand_below_each_other() -> None:
    lines = table([replace(GOOD, stage="misconfiguration"), UNMADE, LATER]).splitlines()
    told = [line for line in lines if line.strip() not in ("shop", "cart")]
    assert {line.index(mark) for line, mark in zip(told, ("ok", "NOT MADE", "-"), strict=True)} == {
        len("    misconfiguration  ")
    }


def test_a_line_stays_within_a_hundred_columns() -> None:
    """Of the longest names and notes that stages of this repository have."""
    reference = f"ghcr.io/some-longer-owner/shipyard/sample2-app@{DIGEST}"
    notes = {
        "misconfiguration": "no findings of high severity",
        "test": "1234 passed, 99.9% covered",
        "build": f"104.2 MB, {DIGEST}",
        "scan": "no known vulnerabilities, no secrets",
        "publish": reference,
        "deploy": "waits for sample2-app: misconfiguration",
    }
    results = [
        replace(GOOD, service="sample2-app", stage=stage, note=note, seconds=599.9)
        for stage, note in notes.items()
    ]
    report = render("Shipyard ship production", results)
    assert reference in report
    assert max(map(len, report.splitlines())) <= WIDTH


def test_a_failure_is_named_with_output_and_command() -> None:
    report = render("Shipyard", [GOOD, BAD, LATER], "All good.")
    assert "\n--- shop: types failed with exit code 3 ---" in report
    assert "app.py:1: error: wrong" in report
    assert "Again, this alone: dagger call types --service=shop" in report
    assert "All good." not in report
    assert report.endswith("shop: types failed.\n")
    assert exit_code([GOOD, BAD, LATER]) == 3


def test_every_failure_is_told_and_the_first_gives_the_code() -> None:
    other = replace(BAD, service="cart", exit_code=7, output="cart's own words")
    report = render("Shipyard", [BAD, other])
    assert "app.py:1: error: wrong" in report
    assert "cart's own words" in report
    assert report.endswith("shop: types, cart: types failed.\n")
    assert exit_code([GOOD, other, BAD]) == 7


def test_a_failure_without_a_code_is_still_one() -> None:
    failed = StageResult(service="", stage="reach", status=Status.FAILED)
    assert exit_code([failed]) == 1
    assert "(the tool wrote nothing)" in render("Shipyard", [failed])


def test_what_could_not_be_made_fails_nothing() -> None:
    assert exit_code([UNMADE]) == 0
    report = render("Shipyard", [UNMADE], "Nothing failed.")
    assert report.endswith(f"Not made, see above: {UNMADE.name}.\n\nNothing failed.\n")


def test_endless_output_is_cut_at_the_front() -> None:
    long = replace(BAD, output="a" * 50_000 + "the cause")
    report = render("Shipyard", [long])
    assert "the cause" in report
    assert "30009 characters left out" in report
    assert len(report) < 25_000


def test_a_failure_that_is_known_says_since_when_and_how_to_ask_again() -> None:
    report = render("Shipyard", [known(BAD)])
    assert f"The same answer as at {SINCE} UTC; --fresh asks the tools again." in report
    assert "The same answer" not in render("Shipyard", [BAD])


def test_what_was_known_is_counted_with_the_seconds_that_it_saved() -> None:
    results = [known(GOOD, 40.4), known(UNMADE, 1.2), BAD]
    assert "\n\n2 of 3 stages had nothing new to read: 42 s saved.\n\n" in render("S", results)


def test_less_than_a_second_is_not_boasted_of() -> None:
    assert "\n\n1 of 2 stages had nothing new to read.\n" in render("S", [known(GOOD, 0.4), BAD])


def test_a_run_that_knew_nothing_does_not_speak_of_it() -> None:
    assert "nothing new" not in render("S", [GOOD, BAD])


def test_a_remark_stands_below_the_table_once_for_all_that_it_holds_for() -> None:
    told = "looked for by the archive of 2026-11-25"
    scans = [
        replace(GOOD, service=name, stage="scan", remark=told) for name in ("shop", "cart", "stock")
    ]
    other = replace(UNMADE, remark="the registry does not say")
    report = render("S", [*scans, other])
    assert (
        f"\n\n  scan (shop, cart, stock): {told}\n  audit (cart): the registry does not say\n"
        in (report)
    )
    assert report.count(told) == 1


def test_a_remark_of_several_lines_is_indented() -> None:
    deployed = replace(LATER, status=Status.PASSED, remark="shop: 3 of 3\ncart: 2 of 2\n")
    assert "\n  deploy: shop: 3 of 3\n    cart: 2 of 2\n" in render("S", [deployed])
