"""The kustomization is edited like a careful person would: what is meant changes, every other byte stays."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from delivery.errors import Refused
from delivery.gitops.kustomization import read_pins, write_pins
from delivery.gitops.pins import Pin, read_pin
from tests.delivery.conftest import digest

NAMES = ("backend", "frontend", "sample-app", "sample2-app")
COMMENTS = ("", " # why", "  # images: [no]", " # - name: backend")
OTHERS = (
    "# a comment\n",
    "\n",
    "namespace: shop\n",
    "resources:\n  - ../../apps/backend # the first\n  - ../../apps/frontend\n",
    "resources:\n- ../../apps/backend\n",
    "replicas:\n  - name: backend\n    count: 2\n",
    "patches:\n  - patch: |-\n      images:\n        - name: backend\n          digest: no\n",
    "configMapGenerator:\n  - name: environment\n    literals: [name=test]\n",
)
OLD = Pin("registry/old", "", f"sha256:{digest('old')}")
NEW = Pin("localhost:5000/shop/new", "", f"sha256:{digest('new')}")


def digests() -> st.SearchStrategy[str]:
    """Give digests."""
    return st.sampled_from("abc").map(lambda name: f"sha256:{digest(name)}")


@st.composite
def pins(draw: st.DrawFn) -> Pin:
    """Give pins with a digest, a tag, or both."""
    repository = draw(
        st.sampled_from(["ghcr.io/shop/a", "localhost:5000/a", "127.0.0.1:5000/b", "yes"])
    )
    tag = draw(st.sampled_from(["", "v1", "1.0", "007", "null"]))
    return Pin(repository, tag, draw(digests()) if not tag or draw(st.booleans()) else "")


@st.composite
def entry(draw: st.DrawFn, name: str, column: int) -> str:
    """Write an entry in any order of its keys, with any quotes and comments."""
    pin = draw(pins())
    rows = {"name": name, "newName": pin.repository, "newTag": pin.tag, "digest": pin.digest}
    keys = draw(st.permutations([key for key, value in rows.items() if value]))
    if draw(st.booleans()):
        keys = [key for key in keys if key != "newName"]
    written = []
    for key in keys:
        quote = draw(st.sampled_from(['"', "'"]))
        value = rows[key]
        safe = value[0].isalpha() and value not in ("yes", "null")
        if not safe or draw(st.booleans()):
            value = f"{quote}{value}{quote}"
        written.append(f"{key}: {value}{draw(st.sampled_from(COMMENTS))}\n")
        written.append(draw(st.sampled_from(["", "", f"{' ' * column}  # between\n", "\n"])))
    lead, first = " " * column + "- ", True
    text = ""
    for row in written:
        if not row or row == "\n" or row.lstrip().startswith("#"):
            text += "" if first else row
            continue
        text += (lead if first else " " * len(lead)) + row
        first = False
    return text


@st.composite
def kustomizations(draw: st.DrawFn) -> str:
    """Write kustomizations with and without images."""
    before = "".join(draw(st.lists(st.sampled_from(OTHERS), max_size=3, unique=True)))
    after = "".join(
        each
        for each in draw(st.lists(st.sampled_from(OTHERS), max_size=3, unique=True))
        if each.partition(":")[0] not in before
    )
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    column = draw(st.sampled_from([0, 2, 4]))
    entries = "".join(draw(entry(name, column)) for name in names)
    header = f"images:{draw(st.sampled_from(COMMENTS))}\n" if entries else ""
    if not entries and draw(st.booleans()):
        header = draw(st.sampled_from(["images: []\n", "images:\n", "images: # none yet\n"]))
    text = f"kind: Kustomization\n{before}{header}{entries}{after}"
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def meaning(text: str) -> dict[str, Any]:
    """Read a text with a YAML library; the images by name."""
    values: dict[str, Any] = yaml.safe_load(text)
    values["images"] = {each["name"]: each for each in values.get("images") or []}
    return values


def said(each: dict[str, str]) -> Pin:
    """Give the pin that an entry says."""
    return Pin(
        each.get("newName", each["name"]), str(each.get("newTag", "")), each.get("digest", "")
    )


@given(kustomizations())
def test_what_is_read_is_what_yaml_says(text: str) -> None:
    assert read_pins(text) == {name: said(each) for name, each in meaning(text)["images"].items()}


@given(kustomizations(), st.dictionaries(st.sampled_from(NAMES), pins()))
def test_what_is_written_is_meant_and_nothing_else_is(text: str, wanted: dict[str, Pin]) -> None:
    before, after = meaning(text), meaning(write_pins(text, wanted))
    images = {name: said(each) for name, each in after.pop("images").items()}
    assert images == {name: said(each) for name, each in before.pop("images").items()} | wanted
    assert after == before


@given(kustomizations(), st.dictionaries(st.sampled_from(NAMES), pins()))
def test_no_comment_and_no_other_line_is_lost(text: str, wanted: dict[str, Pin]) -> None:
    written = write_pins(text, wanted)
    if "\r\n" in text:
        assert written.count("\n") == written.count("\r\n")
    plain, after = text.replace("\r\n", "\n"), written.replace("\r\n", "\n")
    for part in (*OTHERS, "# between", "# a comment"):
        assert after.count(part.strip()) == plain.count(part.strip()) or part == "\n"
    for name, pin in read_pins(text).items():
        assert read_pins(written)[name] == wanted.get(name, pin)


@given(kustomizations(), st.dictionaries(st.sampled_from(NAMES), pins()))
def test_writing_twice_changes_nothing_more(text: str, wanted: dict[str, Pin]) -> None:
    once = write_pins(text, wanted)
    assert write_pins(once, wanted) == once
    assert write_pins(text, {}) == text


@given(kustomizations(), st.lists(st.sampled_from(NAMES), unique=True))
def test_going_back_from_one_digest_to_another_restores_every_byte(
    text: str, names: list[str]
) -> None:
    pinned = write_pins(text, dict.fromkeys(names, OLD))
    moved = write_pins(pinned, dict.fromkeys(names, NEW))
    assert write_pins(moved, dict.fromkeys(names, OLD)) == pinned


def test_a_text_without_images_gets_them_at_its_end() -> None:
    assert write_pins("kind: Kustomization\n", {"backend": NEW}) == (
        "kind: Kustomization\nimages:\n"
        f"  - name: backend\n    newName: {NEW.repository}\n    digest: {NEW.digest}\n"
    )


def test_a_tag_becomes_a_digest_in_its_place_and_keeps_its_comment() -> None:
    text = "images:\n- newTag: v1 # by hand\n  name: backend\nnamespace: shop\n"
    written = write_pins(text, {"backend": Pin("backend", "", NEW.digest)})
    assert written == (
        f"images:\n- digest: {NEW.digest} # by hand\n  name: backend\nnamespace: shop\n"
    )
    assert write_pins(written, {"backend": Pin("backend", "v1")}) == text


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("images: [{name: backend}]\n", 1, "followed by"),
        ('{"images": []}\n', 1, "written as JSON"),
        ("images:\n  - {name: backend}\n", 2, "no `key: value`"),
        ("images:\n  - name: &it backend\n", 2, "no `key: value`"),
        ("images:\n  -\n    name: backend\n", 2, "no `key: value`"),
        ("images:\n\t- name: backend\n", 2, "no `key: value`"),
        ("images:\n  - name: backend\n     digest: x\n", 3, "indentation"),
        ("images:\n  - name: backend\n - name: frontend\n", 3, "dash"),
        ("images:\n  - name: backend\n  - name: backend\n", 0, "a second entry for 'backend'"),
        ("images:\n  - newName: backend\n", 0, "without a name"),
        ("images:\nkind: x\nimages:\n", 3, "a second"),
        ("images:\n  - name: backend\n    newTag: a+b\n", 0, "'backend:a+b' is no reference"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(Refused) as caught:
        write_pins(text, {"backend": NEW})
    told = str(caught.value)
    assert f"kustomization.yaml, {f'line {line}' if line else 'images'}: " in told
    assert why in told
    assert "Way out: write it as a list of entries" in told


@given(pins())
def test_a_pin_and_its_reference_say_the_same(pin: Pin) -> None:
    assert read_pin(str(pin)) == pin


@pytest.mark.parametrize(
    "wrong", ["", "a b", "a@sha256:12", "a\nimages:", "a:", "-a", "a@b", "a: b", 'a"', "a#b"]
)
def test_what_is_no_reference_does_not_become_a_pin(wrong: str) -> None:
    with pytest.raises(ValueError, match="is no reference"):
        read_pin(wrong)
