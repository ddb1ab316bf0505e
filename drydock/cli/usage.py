"""Help pages: headings, columns, wrapping.

`call`, `functions` and the listing verbs render with it. Headings are bold also without a terminal and with NO_COLOR, as
they are in the real program; scripts compare the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from drydock.cli.flags import Flag

WIDTH = 80
_SLOP = 5  # columns kept free, so that no short word stands alone on the last line
_NARROW = 24
_MINIMUM_NAME = 11


def bold(text: str) -> str:
    """Mark a heading."""
    return f"\x1b[1m{text}\x1b[0m"


def faint(text: str) -> str:
    """Mark what is of little interest."""
    return f"\x1b[2m{text}\x1b[0m"


def section(heading: str, body: str) -> str:
    """Put a body below its heading."""
    return f"{bold(heading)}\n{body}"


def flag_table(flags: Iterable[Flag], width: int = WIDTH) -> str:
    """Lay flags out in two columns."""
    rows = [(_flag_name(flag), _flag_text(flag)) for flag in flags]
    column = max((len(name) for name, _ in rows), default=0) + 3
    lines = [name.ljust(column) + _wrap_flag(text, column, width) for name, text in rows]
    return "\n".join(lines)


def command_table(rows: Sequence[tuple[str, str]], width: int = WIDTH) -> str:
    """Lay names and first lines of texts out in two columns, indented by two."""
    column = max(max((len(name) for name, _ in rows), default=0), _MINIMUM_NAME) + 5
    return "\n".join(
        f"  {name}".ljust(column) + f"\n{' ' * column}".join(_words(text, width - 1 - column))
        for name, text in rows
    )


def listing(rows: Sequence[tuple[str, str]], width: int = WIDTH) -> str:
    """Lay a list with the heads "Name" and "Description" out."""
    column = max(len(_visible(name)) for name, _ in [("Name", ""), *rows]) + 3
    head = bold("Name".ljust(column).rstrip()) + " " * (column - 4) + bold("Description")
    lines = [
        name
        + " " * (column - len(_visible(name)))
        + f"\n{' ' * column}".join(_words(text, width - 1 - column))
        for name, text in rows
    ]
    return "\n".join([head, *lines])


def _visible(text: str) -> str:
    return text.removeprefix("\x1b[1m").removesuffix("\x1b[0m")


def first_line(text: str) -> str:
    """Return what a listing shows of a description: its first line, or a dash."""
    stripped = text.strip()
    return stripped.split("\n", 1)[0] if stripped else "-"


def _flag_name(flag: Flag) -> str:
    letter = f"-{flag.shorthand}, " if flag.shorthand else "    "
    return f"  {letter}--{flag.name}" + (f" {flag.kind}" if flag.kind else "")


def _flag_text(flag: Flag) -> str:
    return flag.usage + (f" (default {flag.shown_default})" if flag.shown_default else "")


def _wrap_flag(text: str, column: int, width: int) -> str:
    space = width - column
    indent = "\n" + " " * column
    lead = ""
    if space < _NARROW:
        column, lead = 16, "\n" + " " * 16
        space, indent = width - column, lead
    if space < _NARROW:
        return text.replace("\n", indent)
    parts: list[str] = []
    rest = text
    while rest or not parts:
        part, rest = _cut(rest, space - _SLOP)
        parts.append(part.replace("\n", indent))
    return lead + indent.join(parts)


def _cut(text: str, limit: int) -> tuple[str, str]:
    if limit + _SLOP > len(text):
        return text, ""
    head = text[:limit]
    blank = max(head.rfind(" "), head.rfind("\t"), head.rfind("\n"))
    if blank <= 0:
        return text, ""
    newline = head.rfind("\n")
    at = newline if 0 < newline < blank else blank
    return text[:at], text[at + 1 :]


def _words(text: str, width: int) -> list[str]:
    lines: list[str] = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > max(width, _NARROW):
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines
