"""Which version fixed what, out of changelogs as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.programs.advisories.changelog import fixes, identifiers, parse
from pipelines.programs.advisories.version import less
from tests.pipelines.programs.debian import changelog


def fixed(*entries: tuple[str, str]) -> dict[str, str]:
    """Tell the version of each fix in a changelog of entries, newest first."""
    return {name: fix.version for name, fix in fixes(parse(changelog("tool", *entries))).items()}


def test_the_entry_that_names_a_vulnerability_fixed_it() -> None:
    found = fixed(
        ("2.0-1+deb12u2", "  * CVE-2026-0002: no more crashes"),
        ("2.0-1+deb12u1", "  * Security:\n    - CVE-2026-0001 (thanks)\n    - CVE-2026-0003."),
        ("2.0-1", "  * New release."),
    )
    assert found == {
        "CVE-2026-0001": "2.0-1+deb12u1",
        "CVE-2026-0002": "2.0-1+deb12u2",
        "CVE-2026-0003": "2.0-1+deb12u1",
    }


@pytest.mark.parametrize(
    "item",
    [
        "Refresh CVE-2026-0001.patch",
        "Drop d/p/CVE-2026-0001.patch, applied upstream",
        "Fix a regression of the fix for CVE-2026-0001",
    ],
)
def test_a_later_mention_is_no_later_fix(item: str) -> None:
    assert fixed(("3-1", f"  * {item}"), ("2-1", "  * CVE-2026-0001")) == {"CVE-2026-0001": "2-1"}


@pytest.mark.parametrize(
    "item",
    [
        "Apply both patches for CVE-2026-0001, the\n    fix in the previous version was not all",
        "The fix for CVE-2026-0001 was incomplete",
        "Properly fix CVE-2026-0001",
        "Follow-up for CVE-2026-0001",
        "Re-apply the patch for CVE-2026-0001",
    ],
)
def test_a_mention_that_completes_an_earlier_fix_is_the_fix(item: str) -> None:
    assert fixed(("3-1", f"  * {item}"), ("2-1", "  * CVE-2026-0001")) == {"CVE-2026-0001": "3-1"}


@pytest.mark.parametrize(
    "item",
    [
        "CVE-2026-0001 does not affect this version",
        "CVE-2026-0001: not affected, the code\n    came later",
        "Tell that CVE-2026-0001 is not fixed",
        "CVE-2026-0001 is still unfixed",
        "We aren't vulnerable to CVE-2026-0001",
    ],
)
def test_a_mention_that_says_that_nothing_was_fixed_does_not_count(item: str) -> None:
    assert fixed(("2-1", f"  * {item}")) == {}
    assert fixed(("3-1", "  * CVE-2026-0001"), ("2-1", f"  * {item}")) == {"CVE-2026-0001": "3-1"}


def test_a_fix_that_was_taken_back_counts_when_it_comes_again() -> None:
    first, second = ("1-1", "  * CVE-2026-0001"), ("2-1", "  * Revert the patch of CVE-2026-0001")
    assert fixed(("3-1", "  * CVE-2026-0001"), second, first) == {"CVE-2026-0001": "3-1"}
    assert fixed(second, first) == {"CVE-2026-0001": "1-1"}


def test_a_package_brought_to_an_older_release_is_not_behind_its_own_fixes() -> None:
    found = fixed(
        ("1:1.2-3~deb12u2", "  * CVE-2026-0002"),
        ("1:1.2-3~deb12u1", "  * Rebuild for bookworm."),
        ("1:1.2-3", "  * CVE-2026-0001"),
        ("1:1.2-2", "  * CVE-2026-0003"),
    )
    assert found == {
        "CVE-2026-0001": "1:1.2-3~deb12u1",
        "CVE-2026-0002": "1:1.2-3~deb12u2",
        "CVE-2026-0003": "1:1.2-2",
    }


def test_what_stands_outside_of_entries_is_not_read() -> None:
    text = changelog("tool", ("1-1", "  * CVE-2026-0001"))
    text += "\n# Older entries have been removed from this changelog, as CVE-2026-0009 was.\n"
    assert list(fixes(parse("CVE-2026-0008\n" + text))) == ["CVE-2026-0001"]


def test_a_changelog_of_the_authors_has_no_entries() -> None:
    assert parse("2026-01-01  N <n@example.com>\n\n\t* tool.c: fix CVE-2026-0001\n") == []


def test_an_entry_of_a_rebuild_counts_with_its_version() -> None:
    text = "tool (1-1+b1) sid; urgency=low, binary-only=yes\n\n  * Rebuild\n\n -- N <n>  Mon\n"
    assert [entry.version for entry in parse(text)] == ["1-1+b1"]


def test_the_words_of_an_item_are_joined_and_kept() -> None:
    entries = parse(changelog("tool", ("1-1", "  * CVE-2026-0001: a way\n    in (Closes: #1)")))
    assert fixes(entries)["CVE-2026-0001"].words == "CVE-2026-0001: a way in (Closes: #1)"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("fix-cve-2026-12345-1.patch", ["CVE-2026-12345"]),
        ("CVE-2026-{0001,0002, 12345}", ["CVE-2026-0001", "CVE-2026-0002", "CVE-2026-12345"]),
        ("CVE-2019-9511/9513/9516", ["CVE-2019-9511", "CVE-2019-9513", "CVE-2019-9516"]),
        ("CVE-2026-0001/CVE-2026-0002", ["CVE-2026-0001", "CVE-2026-0002"]),
        ("TEMP-1138794-BADE22.", ["TEMP-1138794-BADE22"]),
        ("XCVE-2026-0001 CVE-26-1 CVE-2026-1", []),
    ],
)
def test_names_are_found_in_every_spelling(words: str, names: list[str]) -> None:
    assert list(identifiers(words)) == names


ENTRIES = st.lists(
    st.tuples(
        st.from_regex(
            r"([01]:)?[0-9]\.[0-9](~rc)?-[1-3](~deb12u[12]|\+deb12u[12])?", fullmatch=True
        ),
        st.lists(st.sampled_from(["1", "2", "3"]), max_size=3).map(
            lambda numbers: "\n".join(f"  * CVE-2026-000{number}" for number in numbers) or "  * -"
        ),
    ),
    min_size=1,
    max_size=8,
)


@given(ENTRIES)
def test_the_newest_version_is_never_behind_a_fix(entries: list[tuple[str, str]]) -> None:
    newest = entries[0][0]
    for version in fixed(*entries).values():
        assert not less(newest, version)


@given(ENTRIES)
def test_every_entry_above_a_fix_has_it(entries: list[tuple[str, str]]) -> None:
    found = fixed(*entries)
    for position, (_, items) in enumerate(entries):
        for name in identifiers(items):
            for version, _ in entries[: position + 1]:
                assert not less(version, found[name])
