"""From a parsed operation to what the walker follows: fields with coerced arguments, fragments resolved.

Made for the whole operation before anything runs. Two selections of one alias on one type are merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any

from .coerce import Coercer, literal, value_of
from .errors import CoercionError
from .schema import Field, Schema


@dataclass
class Selected:
    """One field to answer. `on` is the type condition it stands under, None if it always applies.

    `args` holds coerced values under GraphQL names, defaults filled in, ids as text; `given` says
    which of them the query wrote. `missing` names a required argument that was empty.
    """

    alias: str
    name: str
    type_name: str
    field: Field | None  # None for __typename
    on: str | None = None
    args: dict[str, Any] = attribute(default_factory=dict)
    given: frozenset[str] = frozenset()
    children: list[Selected] | None = None
    missing: str = ""


class Selector:
    """Builds selections of one operation."""

    def __init__(
        self,
        schema: Schema,
        coercer: Coercer,
        fragments: Mapping[str, Any],
        variables: Mapping[str, Any],
    ) -> None:
        self._schema, self._coercer = schema, coercer
        self._fragments, self._variables = fragments, variables

    def select(self, node: Any, type_name: str) -> list[Selected]:
        """Return the selections of a selection set on a type, merged by alias and condition."""
        merged: dict[tuple[str, str | None], Selected] = {}
        for selected in self._flat(node, type_name, None):
            key = (selected.alias, selected.on)
            if key in merged:
                kept = merged[key].children
                if kept is not None and selected.children is not None:
                    kept.extend(selected.children)
            else:
                merged[key] = selected
        return list(merged.values())

    def _flat(self, node: Any, type_name: str, on: str | None) -> Iterable[Selected]:
        for item in node.selections:
            if not self._wanted(item):
                continue
            if item.kind == "field":
                yield self._field(item, type_name, on)
                continue
            spread = item.kind == "fragment_spread"
            fragment = self._fragments[item.name.value] if spread else item
            condition = fragment.type_condition
            inner = condition.name.value if condition else type_name
            narrowed = on if inner == type_name else inner
            yield from self._flat(fragment.selection_set, inner, narrowed)

    def _wanted(self, item: Any) -> bool:
        for directive in item.directives or ():
            value = bool(value_of(directive.arguments[0].value, self._variables))
            if directive.name.value == "skip" and value:
                return False
            if directive.name.value == "include" and not value:
                return False
        return True

    def _field(self, node: Any, type_name: str, on: str | None) -> Selected:
        name = node.name.value
        alias = node.alias.value if node.alias else name
        definition = self._schema.field(type_name, name)
        if name == "__schema":
            definition = Field(name, "__Schema!")
        elif name == "__type":
            definition = Field(name, "__Type")
        selected = Selected(alias, name, type_name, definition, on)
        if definition is None:
            return selected
        if name == "__type":
            selected.args = {
                arg.name.value: value_of(arg.value, self._variables) for arg in node.arguments or ()
            }
        else:
            self._arguments(selected, definition, node)
        if node.selection_set is not None:
            base = definition.ref.base
            selected.children = self.select(node.selection_set, base)
        return selected

    def _arguments(self, selected: Selected, definition: Field, node: Any) -> None:
        written = {}
        for arg in node.arguments or ():
            value_node = arg.value
            absent = value_node.kind == "variable" and value_node.name.value not in self._variables
            if not absent:
                written[arg.name.value] = value_of(value_node, self._variables)
        selected.given = frozenset(written)
        for name, argument in definition.args.items():
            if name in written:
                value = self._coercer.argument(definition.name, argument, written[name])
            elif argument.default is not None:
                value = self._default(definition.name, argument)
            else:
                value = None
            if argument.required and (value is None or _is_empty_id(argument.type, value)):
                selected.missing = selected.missing or name
            elif _is_empty_id(argument.type, value):
                value = None
            selected.args[name] = value

    def _default(self, field_name: str, argument: Any) -> Any:
        try:
            return self._coercer.argument(field_name, argument, literal(argument.default))
        except CoercionError as error:
            raise ValueError(f"the schema's default of {argument.name} is wrong: {error}") from None


def _is_empty_id(type_text: str, value: Any) -> bool:
    return value == "" and type_text.strip("!") == "ID"
