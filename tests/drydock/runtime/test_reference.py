"""Image names: Docker's short forms, and a reason for each name that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drydock.runtime.errors import InvalidReference
from drydock.runtime.reference import Reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "written_out"),
    [
        ("alpine", "docker.io/library/alpine:latest"),
        ("python:3.11-slim", "docker.io/library/python:3.11-slim"),
        ("aquasec/trivy:0.59.1", "docker.io/aquasec/trivy:0.59.1"),
        ("docker.io/alpine", "docker.io/library/alpine:latest"),
        ("index.docker.io/library/alpine", "docker.io/library/alpine:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/team/app:1", "localhost:5000/team/app:1"),
        ("127.0.0.1:5000/app", "127.0.0.1:5000/app:latest"),
        ("[::1]:5000/app:x", "[::1]:5000/app:x"),
        ("ghcr.io/a/b/c:v1.2_3-4", "ghcr.io/a/b/c:v1.2_3-4"),
        (f"alpine@{DIGEST}", f"docker.io/library/alpine@{DIGEST}"),
        (f"quay.io/a/b:1@{DIGEST}", f"quay.io/a/b:1@{DIGEST}"),
    ],
)
def test_short_names_are_written_out(text: str, written_out: str) -> None:
    """Registry, `library/` and `latest` are added where Docker adds them.

    The result reads back as itself.
    """
    assert str(Reference.parse(text)) == written_out
    assert str(Reference.parse(written_out)) == written_out


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no image name"),
        ("Alpine", "names are lower case"),
        ("a b", "no image name"),
        ("alpine:", "no tag"),
        ("alpine:-x", "no tag"),
        ("alpine@sha256:12", "no sha256 digest"),
        ("alpine@", "no sha256 digest"),
        ("reg.io/../etc", "no image name"),
        ("-bad.io/x", "no registry"),
    ],
)
def test_a_bad_name_is_refused_with_its_reason(text: str, reason: str) -> None:
    """The error quotes the name and says which part is wrong."""
    with pytest.raises(InvalidReference, match=reason):
        Reference.parse(text)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text ends in anything but a reference that reads back as itself, or the error."""
    try:
        found = Reference.parse(text)
    except InvalidReference:
        return
    assert Reference.parse(str(found)) == found
