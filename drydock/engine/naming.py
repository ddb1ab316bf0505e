"""How a call is named in a session's progress: `Container.from(address: "alpine"): Container!`."""

from __future__ import annotations

import json
from typing import Any

from .field import Resolver
from .node import Recipe
from .schema import Argument, Field
from .trace import Span, current_span

_HIDDEN = {"plaintext"}  # arguments that no span may show
_LONG = 200  # characters of one text from which on it is cut
_KEPT = 80  # characters that stay of it


def span_of(resolver: Resolver, recipe: Recipe, definition: Field | None) -> Span:
    """Return the span of a call, named silent for cheap fields."""
    end = resolver.name.removeprefix("Query.")
    if resolver.quiet or definition is None:
        return current_span().child(end, end, silent=True)
    shown = {
        name: value
        for name, value in recipe.args.items()
        if resolver.verbose or value != _default(definition.args.get(name))
    }
    listed = ", ".join(
        f"{name}: {'***' if name in _HIDDEN else _shown(value)}" for name, value in shown.items()
    )
    arguments = f"({listed})" if listed else ""
    return current_span().child(f"{end}{arguments}: {definition.type}", end)


def _default(argument: Argument | None) -> Any:
    if argument is None or argument.default is None:
        return None
    try:
        return json.loads(argument.default)
    except ValueError:
        return argument.default  # an enum member


def _shown(value: Any) -> str:
    return json.dumps(_shortened(value), ensure_ascii=False)


def _shortened(value: Any) -> Any:
    """Cut long texts, such as a file's contents: the progress is read by people."""
    if isinstance(value, str) and len(value) > _LONG:
        return f"{value[:_KEPT]}… ({len(value)} characters)"
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items()}
    return value
