"""Which sources Debian no longer mends, out of lists of the form that its package has."""

from pipelines.programs.advisories.support import support_of

ENDED = """
# source  version  day  reason
wolfssl         5.5.4-2+deb12u2         2026-06-12      difficult; see: https://example.org/1
php-horde.*\t0\t\t2025-03-22\tincompatible
later           9                       2027-01-01      not yet
mended          1.0-1                   2026-01-01
"""
LIMITED = """
binutils        Only suitable for trusted content
golang.*        See the notes
libstdc++6      Named with signs that patterns have
"""


def look_up(sources: dict[str, str]) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    support = support_of(sources, ENDED, LIMITED, "2026-11-24")
    return dict(support.ended), dict(support.limited)


def test_what_has_ended_is_told_with_day_and_reason() -> None:
    assert look_up({"wolfssl": "5.5.4-2", "zlib": "1"}) == (
        {"wolfssl": ("2026-06-12", "difficult; see: https://example.org/1")},
        {},
    )


def test_a_version_above_the_last_supported_one_is_mended_again() -> None:
    assert look_up({"mended": "1.0-2"}) == ({}, {})
    assert set(look_up({"mended": "1.0-1"})[0]) == {"mended"}


def test_what_ends_later_has_not_ended() -> None:
    assert look_up({"later": "8"}) == ({}, {})


def test_version_0_stands_for_every_version_and_a_dot_star_for_every_name() -> None:
    assert set(look_up({"php-horde-core": "2.31", "php-hordes": "1", "php": "1"})[0]) == {
        "php-horde-core",
        "php-hordes",
    }


def test_limited_support_is_told_with_its_reason() -> None:
    found = look_up({"binutils": "2.40", "golang-1.19": "1", "libstdc++6": "1", "libstdc6": "1"})
    assert found == (
        {},
        {
            "binutils": "Only suitable for trusted content",
            "golang-1.19": "See the notes",
            "libstdc++6": "Named with signs that patterns have",
        },
    )
