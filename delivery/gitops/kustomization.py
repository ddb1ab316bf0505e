"""The `images:` of a kustomization, read and rewritten line by line.

A commit shall change what it means to and nothing else: comments, order, quotes and line ends stay. So the
text is edited, not parsed and written anew; no YAML library is needed. What is written in a way that is not
understood here is refused with its line; what kubectl makes of the result is compared by `rendering.py`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from delivery.errors import Refused
from delivery.gitops.pins import Pin, read_pin

_HEADER = re.compile(r"""(?:images|"images"|'images') *:(?P<rest>.*)""")
_ROW = re.compile(
    r"(?P<lead> *(?:- +)?)"
    r"""(?P<key>[A-Za-z]+|"[A-Za-z]+"|'[A-Za-z]+')"""
    r"(?P<colon> *: +)"
    r"""(?P<value>"[^"\\]*"|'[^']*'|[A-Za-z0-9_./~+](?:[A-Za-z0-9_./~+:@-]*[A-Za-z0-9_./~+@-])?)"""
    r"(?P<tail> +#.*| *)"
)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?::[A-Za-z0-9_./-]+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What YAML takes for something else than text, in any case."""
_ORDER = ("name", "newName", "newTag", "digest")
_INDENT = "  "


@dataclass(frozen=True)
class _Row:
    """A line of an entry: `key: value` with what stands around it, or, without a key, any other text."""

    lead: str
    key: str = ""
    colon: str = ": "
    value: str = ""
    tail: str = ""

    @property
    def name(self) -> str:
        return self.key.strip("\"'")

    @property
    def text(self) -> str:
        return (
            f"{self.lead}{self.key}{self.colon}{self.value}{self.tail}" if self.key else self.lead
        )


@dataclass
class _Entry:
    rows: list[_Row] = field(default_factory=list)

    def find(self, key: str) -> int | None:
        """Find the row of a key."""
        return next((at for at, row in enumerate(self.rows) if row.name == key), None)

    def value(self, key: str) -> str:
        """Give the value of a key without its quotes; empty when there is none."""
        at = self.find(key)
        return "" if at is None else self.rows[at].value.strip("\"'")

    @property
    def lead(self) -> str:
        """What stands before the first key, with the dash."""
        return next(row.lead for row in self.rows if row.key)


@dataclass
class _Images:
    """A text in three parts: the lines up to the entries, the entries, and the lines after them."""

    head: list[str]
    entries: list[_Entry]
    rest: list[str]
    end: str

    def entry(self, name: str) -> _Entry | None:
        return next((each for each in self.entries if each.value("name") == name), None)

    @property
    def text(self) -> str:
        """Put the lines together again."""
        rows = [row.text + self.end for each in self.entries for row in each.rows]
        if rows and not self.rest:
            rows[-1] = rows[-1].removesuffix(self.end)
        return "\n".join([*self.head, *rows, *self.rest])


def read_pins(text: str) -> dict[str, Pin]:
    """Read which images are pinned, by the name that they are pinned for; raise Refused."""
    pins = {}
    for entry in _read(text).entries:
        name = entry.value("name")
        pin = Pin(entry.value("newName") or name, entry.value("newTag"), entry.value("digest"))
        try:
            read_pin(str(pin))
        except ValueError as error:
            raise _unreadable(0, f"the entry of {name}: {error}") from error
        pins[name] = pin
    return pins


def write_pins(text: str, wanted: Mapping[str, Pin]) -> str:
    """Pin images; entries of others, comments and everything else stay as they are. Raise Refused."""
    images, present = _read(text), read_pins(text)
    if all(present.get(name) == pin for name, pin in wanted.items()):
        return text
    for name, pin in wanted.items():
        entry = images.entry(name)
        if entry is None:
            entry = _new(images, name)
            images.entries.append(entry)
        _set(entry, "newName", pin.repository, needless=name)
        if not pin.tag:
            _rename(entry, "newTag", "digest")
        if not pin.digest:
            _rename(entry, "digest", "newTag")
        _set(entry, "newTag", pin.tag)
        _set(entry, "digest", pin.digest)
    return images.text


def _new(images: _Images, name: str) -> _Entry:
    """Make an entry that looks like the last one."""
    lead = images.entries[-1].lead if images.entries else f"{_INDENT}- "
    return _Entry([_Row(lead, "name", value=_scalar(name))])


def _set(entry: _Entry, key: str, value: str, needless: str = "") -> None:
    """Set a key, or take it out when it has no value. What says nothing new is not added."""
    at = entry.find(key)
    if at is None:
        if value and value != needless:
            _insert(entry, key, value)
    elif not value:
        _remove(entry, at)
    elif entry.value(key) != value:
        entry.rows[at] = replace(entry.rows[at], value=_scalar(value, entry.rows[at].value))


def _insert(entry: _Entry, key: str, value: str) -> None:
    """Put a key behind those that usually stand before it."""
    before = [entry.find(each) for each in _ORDER[: _ORDER.index(key)]]
    at = max(each for each in before if each is not None) + 1
    entry.rows.insert(at, _Row(" " * len(entry.lead), key, value=_scalar(value)))


def _remove(entry: _Entry, at: int) -> None:
    """Take a row out; the dash of the first one goes to the next key."""
    gone = entry.rows.pop(at)
    if "-" in gone.lead:
        following = next(each for each in range(at, len(entry.rows)) if entry.rows[each].key)
        entry.rows[following] = replace(entry.rows[following], lead=gone.lead)


def _rename(entry: _Entry, key: str, other: str) -> None:
    """Let a tag become a digest, or the other way round, in its place: so its comment stays."""
    at = entry.find(key)
    if at is not None and entry.find(other) is None:
        entry.rows[at] = replace(entry.rows[at], key=other)


def _scalar(value: str, like: str = "") -> str:
    """Write a value in the quotes of the one before it, or with the quotes that it needs."""
    if like[:1] == "'":
        return f"'{value}'"
    plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
    return value if plain and like[:1] != '"' else json.dumps(value)


def _read(text: str) -> _Images:
    lines = text.split("\n")
    end = "\r" if lines[0].endswith("\r") else ""
    bare = [line.removesuffix("\r") for line in lines]
    content = (line.lstrip() for line in bare if line.strip() and not line.startswith("---"))
    first = next((line for line in content if not line.startswith("#")), "")
    if first.startswith(("{", "[")):
        raise _unreadable(1, "it is written as JSON or in one line")
    headers = [at for at, line in enumerate(bare) if _HEADER.fullmatch(line)]
    if len(headers) > 1:
        raise _unreadable(headers[1] + 1, "there is a second `images`")
    if not headers:
        return _appended(lines, end)
    at = headers[0]
    lines[at] = _opened(bare[at], at) + end
    images = _Images(lines[: at + 1], [], lines[at + 1 :] or [""], end)
    _take_entries(images, bare[at + 1 :], at + 2)
    return images


def _appended(lines: list[str], end: str) -> _Images:
    """Add the key at the end of a text that has none yet."""
    if lines[-1].strip():
        lines = [*lines[:-1], lines[-1] + end, ""]
    return _Images([*lines[:-1], f"images:{end}"], [], lines[-1:], end)


def _opened(line: str, at: int) -> str:
    """Make sure that entries can follow the key."""
    rest = line.partition(":")[2]
    found = re.fullmatch(r"(?: *\[ *\])?( +#.*| *)", rest)
    if not found:
        raise _unreadable(at + 1, f"`images` is followed by {rest.strip()!r}")
    return f"{line.partition(':')[0]}:{found[1]}"


def _take_entries(images: _Images, bare: list[str], number: int) -> None:
    """Move the entries out of the rest; comments between them go along."""
    loose: list[_Row] = []
    taken = 0
    for at, line in enumerate(bare):
        if not line.strip() or line.lstrip().startswith("#"):
            loose.append(_Row(line))
            continue
        if line.startswith("---") or line[0] not in " \t-":
            break
        row = _row(line, number + at)
        if "-" in row.lead:
            _check_column(images, row, number + at)
            if images.entries:
                images.entries[-1].rows += loose
            else:
                images.head += [each.text + images.end for each in loose]
            images.entries.append(_Entry())
        elif not images.entries or len(row.lead) != len(images.entries[-1].lead):
            raise _unreadable(number + at, "its indentation is not that of the entry")
        else:
            images.entries[-1].rows += loose
        images.entries[-1].rows.append(row)
        loose, taken = [], at + 1
    images.rest = images.rest[taken:]
    names = [each.value("name") for each in images.entries]
    for name in names:
        if not name or names.count(name) > 1:
            told = f"a second entry for {name!r}" if name else "an entry without a name"
            raise _unreadable(0, f"there is {told}")


def _row(line: str, number: int) -> _Row:
    found = _ROW.fullmatch(line)
    if not found:
        raise _unreadable(number, f"{line.strip()!r} is no `key: value` of an entry")
    return _Row(**found.groupdict())


def _check_column(images: _Images, row: _Row, number: int) -> None:
    dashes = {each.lead.index("-") for each in images.entries} | {row.lead.index("-")}
    if len(dashes) > 1:
        raise _unreadable(number, "its dash is not below that of the entry before")


def _unreadable(number: int, why: str) -> Refused:
    where = f"line {number}" if number else "images"
    return Refused(
        f"kustomization.yaml, {where}: {why}",
        "`images` is edited line by line, so that nothing else changes",
        "write it as a list of entries with `- name:`, `newName:` and `digest:`, each on its own line",
    )
