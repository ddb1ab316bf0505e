"""References to variables are replaced the way the real engine replaces them."""

import pytest

from drydock.engine.process.expansion import expand


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$A:${A}:$UNSET:end", "x:x::end"),
        ("/opt/bin:$PATH", "/opt/bin:/bin"),
        ("${A:-y}", ""),  # no defaults
        ("$$A", "A"),  # no escape: `$$` is the variable named `$`
        ("a$", "a$"),
        ("a$ b", "a$ b"),
        ("${A", "A"),
        ("${}x", "x"),
        ("$A_B", ""),
        ("$A.B", "x.B"),
        ("$1A", "A"),
        ("plain", "plain"),
    ],
)
def test_expand(text: str, expanded: str) -> None:
    assert expand(text, {"A": "x", "PATH": "/bin"}) == expanded
