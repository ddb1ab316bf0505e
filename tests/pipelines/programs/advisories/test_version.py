"""The order of versions is dpkg's."""

import itertools
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.programs.advisories.version import less

PART = st.text("0019aAz.+~", max_size=6)
VERSIONS = st.builds(
    lambda epoch, upstream, revision: f"{epoch}{upstream}{revision}",
    st.sampled_from(["", "0:", "1:"]),
    st.builds(lambda number, rest: f"{number}{rest}", st.integers(0, 12), PART),
    st.one_of(st.just(""), st.builds(lambda rest: f"-{rest or 0}", PART)),
)
KNOWN = ["1.0~rc1", "1.0", "1.0-1~deb12u1", "1.0-1", "1.0-1+b1", "1.0-1+deb12u1", "1.0a", "1:0.1"]


def test_versions_as_debian_makes_them_stand_in_order() -> None:
    for lower, higher in itertools.pairwise(KNOWN):
        assert less(lower, higher)
        assert not less(higher, lower)


@settings(max_examples=150, deadline=None)
@given(VERSIONS, VERSIONS)
def test_every_answer_is_that_of_dpkg(one: str, other: str) -> None:
    compare = ["dpkg", "--compare-versions", one, "lt", other]
    assert less(one, other) == (subprocess.run(compare, check=False).returncode == 0)
