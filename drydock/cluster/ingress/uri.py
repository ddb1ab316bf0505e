"""Paths of requests: as nginx compares them with rules, and as it passes them on when it rewrites them."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

_KEPT = "/!$&'()*+,;=:@[]"
"""What nginx leaves as it is in a path that it writes itself, besides letters, digits, and `-._~`."""
_CAPTURE = re.compile(r"\$(?:(\d)|\{(\d)\})")


class BadPath(ValueError):  # noqa: N818 - named after the status that answers it
    """A path that no server should follow."""


def normalized(raw: str) -> str:
    """Decode a path, join its slashes and resolve its dots; raise BadPath where nginx answers 400."""
    if not raw.startswith("/"):
        raise BadPath(raw)
    decoded = unquote_to_bytes(raw).decode(errors="surrogateescape")
    if "\0" in decoded:
        raise BadPath(raw)
    parts: list[str] = []
    for part in decoded.split("/"):
        if part == "..":
            if not parts:
                raise BadPath(raw)
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    folder = decoded.endswith(("/", "/.", "/.."))
    return "/" + "/".join(parts) + ("/" if folder and parts else "")


def rewrite(pattern: re.Pattern[str], target: str, path: str, query: str) -> tuple[str, str]:
    """Write a path and a query anew by a rewrite rule; `target` may hold `$1` to `$9` and a query.

    The query of the request follows that of the target, unless the target ends with `?`.
    """
    found = pattern.search(path)
    if found is None:
        return _quoted(path), query

    def captured(reference: re.Match[str]) -> str:
        number = int(reference[1] or reference[2])
        return (found[number] or "") if number <= pattern.groups else ""

    written, question, added = target.partition("?")
    written = _CAPTURE.sub(captured, written)
    added = _CAPTURE.sub(lambda one: _quoted(captured(one)), added)
    if question and not added:
        query = ""
    return _quoted("/" + written.removeprefix("/")), "&".join(
        part for part in (added, query) if part
    )


def _quoted(path: str) -> str:
    return quote(path.encode(errors="surrogateescape"), safe=_KEPT)
