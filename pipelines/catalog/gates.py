"""The gates of a release as files list them: kinds, settings and bounds, so that a typo is found before anything is built.

The plan hands them on as they are, and `delivery` reads them again. The two may not import each other: a test
holds this table against delivery's reading, key by key and bound by bound.
"""

import math
import re
from collections.abc import Callable, Mapping
from string import Template

from pipelines.catalog.document import Document

Setting = Callable[[Document, str], object]
STAGES = ("preview", "live")
TAKEN = ("health", "pods")
"""Names of gates that are always asked."""
WORDS = ("namespace", "service", "colour", "seconds")
"""What stands for its value in a query, after a `$`."""
_PATH = r"/[!-~]*"
ADDRESS = r"https?://[^\s/]+\S*|service://[^\s/:]+/[^\s/:]+:[^\s/:]+"
ADDRESS_MEANING = (
    "an address such as http://HOST:PORT, https://HOST or service://NAMESPACE/NAME:PORT"
)


def _number(low: float, high: float) -> Setting:
    return lambda document, key: document.decimal(key, low=low, high=high)


def _whole(low: int, high: int) -> Setting:
    return lambda document, key: document.number(key, low=low, high=high)


def _choice(*names: str) -> Setting:
    return lambda document, key: document.choice(key, names)


def _text(document: Document, key: str) -> object:
    return document.text(key, pattern=r"(?s).+", meaning="text that is not empty")


def path(document: Document, key: str) -> str:
    """Read a path of an address."""
    return document.text(key, pattern=_PATH, meaning="a path that starts with /")


def address(document: Document, key: str) -> str:
    """Read where Prometheus is."""
    return document.text(key, pattern=ADDRESS, meaning=ADDRESS_MEANING)


def _texts(document: Document, key: str) -> object:
    return document.texts(key, pattern=r"(?s).+", meaning="texts that are not empty")


def _pairs(document: Document, key: str) -> object:
    return document.pairs(key)


def _patterns(document: Document, key: str) -> object:
    for position, pattern in enumerate(document.texts(key, pattern=r"(?s).+")):
        try:
            re.compile(pattern)
        except re.error as error:
            told = f"{pattern!r} is no regular expression: {error}"
            raise document.error(f"{key}[{position}]", told) from error
    return None


def _query(document: Document, key: str) -> object:
    _check_words(document, key, document.text(key, pattern=r"(?s).+", meaning="a PromQL query"))
    return None


def _labels(document: Document, key: str) -> object:
    for name, text in document.pairs(key):
        _check_words(document, f"{key}.{name}", text)
    return None


def _check_words(document: Document, key: str, text: str) -> None:
    try:
        Template(text).substitute(dict.fromkeys(WORDS, "1"))
    except (KeyError, ValueError) as error:
        known = ", ".join(f"${word}" for word in WORDS)
        told = f"has a name that is not known: {error}. Known: {known}; a plain $ is written $$"
        raise document.error(key, told) from error


def _section(settings: Mapping[str, Setting], *required: str) -> Setting:
    def read(document: Document, key: str) -> object:
        below = document.section(key)
        _read(below, settings, required)
        return None

    return read


_POLICY = {
    "error": _choice("go", "block"),
    "no_data": _choice("go", "block"),
    "limit": _whole(1, 100),
}
_EVERY: Mapping[str, Setting] = {
    "name": _text,
    "policy": _section(_POLICY),
    "retry": _section({"times": _whole(0, 10), "pause_seconds": _number(0, 60)}),
}
_ANY = _number(-math.inf, math.inf)
KINDS: Mapping[str, Mapping[str, Setting]] = {
    "burn-rate": {
        "address": address,
        "factor": _number(0, 1000),
        "labels": _labels,
        "minimum": _number(1, 1e9),
        "patience_seconds": _number(0.05, 60),
        "window_seconds": _whole(5, 86_400),
    },
    "http": {
        "answer_headers": _pairs,
        "body_contains": _texts,
        "failures": _whole(0, 100),
        "headers": _pairs,
        "path": path,
        "patience_seconds": _number(0.05, 30),
        "pause_seconds": _number(0, 10),
        "status": _whole(200, 599),
        "successes": _whole(1, 100),
        "within_seconds": _number(0.1, 300),
    },
    "logs": {
        "allowed": _patterns,
        "at_most": _whole(0, 1_000_000),
        "forbidden": _patterns,
        "minimum_lines": _whole(0, 1_000_000),
    },
    "prometheus": {
        "address": address,
        "at_least": _ANY,
        "at_most": _ANY,
        "patience_seconds": _number(0.05, 60),
        "query": _query,
        "samples": _section({"query": _query, "minimum": _number(0, math.inf)}, "query"),
    },
    "requests": {
        "connections": _whole(1, 256),
        "failures_in_a_row": _whole(0, 1_000_000),
        "latency": _section({"percent": _number(0, 100), "milliseconds": _number(1, 60_000)}),
        "minimum": _whole(0, 1_000_000),
        "other_colour_factor": _number(0, 100),
        "path": path,
        "patience_seconds": _number(0.05, 30),
        "rate": _number(0.1, 2000),
        "seconds": _number(0, 600),
        "success": _number(0, 100),
    },
    "restarts": {"at_most": _whole(0, 1000), "other_colour_factor": _number(0, 100)},
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {"logs": ("forbidden",), "prometheus": ("query",)}


def check_gates(gates: Document) -> None:
    """Check a section `gates`: its stages, and every gate of them; raise DocumentError."""
    for stage in STAGES:
        names: list[str] = []
        for gate in gates.entries(stage):
            name = _check(gate)
            if name in TAKEN:
                raise gate.error("name", f"{name!r} is asked of every release, use another name")
            if name in names:
                raise gate.error("name", f"two gates of {stage} are called {name!r}, name one")
            names.append(name)
    gates.finish()


def _check(gate: Document) -> str:
    kind = gate.choice("kind", sorted(KINDS))
    _read(gate, {**_EVERY, **KINDS[kind]}, _REQUIRED.get(kind, ()))
    if kind == "prometheus" and not (gate.has("at_most") or gate.has("at_least")):
        raise gate.error("at_most", "is missing, give it or at_least")
    return str(gate.raw("name")) if gate.has("name") else kind


def _read(
    document: Document, settings: Mapping[str, Setting], required: tuple[str, ...] = ()
) -> None:
    for key, read in settings.items():
        if document.has(key) or key in required:
            read(document, key)
    document.finish()
