"""What goes into the containers that scan."""

from pathlib import Path

from pipelines.programs import advisories
from pipelines.toolchains.trivy import ADVISORIES, shorten


def test_the_builder_gets_every_file_of_the_advisories() -> None:
    assert advisories.__file__ is not None
    folder = Path(advisories.__file__).parent
    assert sorted(ADVISORIES) == sorted(path.name for path in folder.glob("*.py"))


def test_a_cause_is_the_end_of_the_last_line() -> None:
    told = "advisories: apt-get download: noise\nadvisories: apt-get update: E: no network\n\n"
    assert shorten(told) == "E: no network"
    assert shorten("") == ""
