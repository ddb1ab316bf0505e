"""The rules a document must keep before anything of it runs, in a real engine's words.

The set is smaller than the specification's: argument *values* and missing selections are judged later
and answered with HTTP 200 (see coerce.py and execute.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from .errors import RequestError
from .schema import Schema, TypeRef, type_ref

_EXECUTABLE_DIRECTIVES = {"include": "if", "skip": "if"}


def validate(schema: Schema, document: Any) -> None:
    """Check a parsed document; raise RequestError with the first thing that is wrong."""
    _Validator(schema, document).run()


def check_variables(operation: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables' values with defaults; RequestError for missing or null required ones."""
    from .coerce import value_of

    values: dict[str, Any] = {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        required = definition.type.kind == "non_null_type"
        if name in given:
            if given[name] is None and required:
                raise RequestError("cannot be null", path=["variable", name])
            values[name] = given[name]
        elif definition.default_value is not None:
            values[name] = value_of(definition.default_value, {})
        elif required:
            raise RequestError("must be defined", path=["variable", name])
    return values


class _Validator:
    def __init__(self, schema: Schema, document: Any) -> None:
        self._schema = schema
        self._document = document
        self._operations = [d for d in document.definitions if d.kind == "operation_definition"]
        self._fragments: dict[str, Any] = {}
        # State of the operation being walked.
        self._declared: dict[str, Any] = {}
        self._used: set[str] = set()
        self._used_fragments: set[str] = set()
        self._operation_name = ""

    def run(self) -> None:
        for definition in self._document.definitions:
            if definition.kind == "fragment_definition":
                name = definition.name.value
                if name in self._fragments:
                    _fail(f'There can be only one fragment named "{name}".', definition)
                self._fragments[name] = definition
            elif definition.kind != "operation_definition":
                _fail("Unexpected definition in an executable document.", definition)
        self._operation_rules()
        for operation in self._operations:
            self._operation(operation)
        for name, fragment in self._fragments.items():
            if name not in self._used_fragments:
                _fail(f'Fragment "{name}" is never used.', fragment)

    def _operation_rules(self) -> None:
        names: set[str] = set()
        for operation in self._operations:
            if operation.operation.value != "query":
                kind = operation.operation.value
                _fail(f'Schema does not support operation type "{kind}"', operation)
            if operation.name is None and len(self._operations) > 1:
                _fail("This anonymous operation must be the only defined operation.", operation)
            if operation.name is not None:
                if operation.name.value in names:
                    _fail(
                        f'There can be only one operation named "{operation.name.value}".',
                        operation,
                    )
                names.add(operation.name.value)

    def _operation(self, operation: Any) -> None:
        self._declared, self._used = {}, set()
        self._operation_name = operation.name.value if operation.name else ""
        for definition in operation.variable_definitions or ():
            name = definition.variable.name.value
            if name in self._declared:
                _fail(f'There can be only one variable named "${name}".', definition)
            type_name = _type_text(definition.type).strip("[]!")
            found = self._schema.types.get(type_name)
            if found is None:
                _fail(f'Unknown type "{type_name}".', definition)
            elif found.composite:
                shown = _type_text(definition.type)
                _fail(f'Variable "${name}" cannot be non-input type "{shown}".', definition)
            self._declared[name] = definition
        self._selections(operation.selection_set, "Query", ())
        for name, definition in self._declared.items():
            if name not in self._used:
                in_operation = (
                    f' in operation "{self._operation_name}"' if self._operation_name else ""
                )
                _fail(f'Variable "${name}" is never used{in_operation}.', definition)

    def _selections(self, node: Any, type_name: str, spreading: tuple[str, ...]) -> None:
        for item in node.selections:
            self._directives(item)
            if item.kind == "field":
                self._field(item, type_name, spreading)
            elif item.kind == "inline_fragment":
                inner = type_name
                if item.type_condition is not None:
                    inner = self._condition(item, type_name, "")
                self._selections(item.selection_set, inner, spreading)
            else:
                self._spread(item, type_name, spreading)

    def _spread(self, item: Any, type_name: str, spreading: tuple[str, ...]) -> None:
        name = item.name.value
        fragment = self._fragments.get(name)
        if fragment is None:
            _fail(f'Unknown fragment "{name}".', item)
        if name in spreading:
            _fail(f'Cannot spread fragment "{name}" within itself.', item)
        self._used_fragments.add(name)
        inner = self._condition(fragment, type_name, name)
        self._selections(fragment.selection_set, inner, (*spreading, name))

    def _condition(self, node: Any, type_name: str, fragment: str) -> str:
        inner: str = node.type_condition.name.value
        found = self._schema.types.get(inner)
        if found is None:
            _fail(f'Unknown type "{inner}".', node)
        elif not found.composite:
            named = f'Fragment "{fragment}"' if fragment else "Fragment"
            _fail(f'{named} cannot condition on non composite type "{inner}".', node)
        elif not self._schema.possible(inner) & self._schema.possible(type_name):
            named = f'Fragment "{fragment}"' if fragment else "Fragment"
            _fail(
                f'{named} cannot be spread here as objects of type "{type_name}" '
                f'can never be of type "{inner}".',
                node,
            )
        return inner

    def _field(self, node: Any, type_name: str, spreading: tuple[str, ...]) -> None:
        name = node.name.value
        if name == "__typename":
            return
        if type_name == "Query" and name in {"__schema", "__type"}:
            # Introspection's arguments are few and its answer is built from plain data.
            for argument in node.arguments or ():
                self._values(argument.value, None, "", None)
            meta = {"__schema": "__Schema", "__type": "__Type"}[name]
            self._selections(node.selection_set, meta, spreading)
            return
        definition = self._schema.field(type_name, name)
        if definition is None:
            _fail(
                f'Cannot query field "{name}" on type "{type_name}".'
                + self._suggestion(type_name, name),
                node,
            )
            return
        self._arguments(node, type_name, definition)
        if node.selection_set is not None:
            base = definition.ref.base
            if not self._schema.types[base].composite:
                # A scalar has no fields, so the first one selected is the unknown one.
                for item in node.selection_set.selections:
                    if item.kind == "field":
                        _fail(f'Cannot query field "{item.name.value}" on type "{base}".', item)
            self._selections(node.selection_set, base, spreading)

    def _arguments(self, node: Any, type_name: str, definition: Any) -> None:
        given: set[str] = set()
        for argument in node.arguments or ():
            name = argument.name.value
            if name in given:
                _fail(f'There can be only one argument named "{name}".', node)
            given.add(name)
            known = definition.args.get(name)
            if known is None:
                _fail(
                    f'Unknown argument "{name}" on field "{type_name}.{definition.name}".'
                    + _did_you_mean(_similar(name, definition.args)),
                    node,
                )
            self._values(argument.value, known.ref, known.type, known.default)
        for name, known in definition.args.items():
            if known.required and name not in given:
                _fail(
                    f'Field "{definition.name}" argument "{name}" of type "{known.type}" '
                    "is required, but it was not provided.",
                    node,
                )

    def _values(self, node: Any, ref: TypeRef | None, type_text: str, default: str | None) -> None:
        """Check the variables inside a value."""
        if node.kind == "variable":
            name = node.name.value
            self._used.add(name)
            declared = self._declared.get(name)
            if declared is None:
                by = f' by operation "{self._operation_name}"' if self._operation_name else ""
                _fail(f'Variable "${name}" is not defined{by}.', node)
            elif ref is not None and not _fits(declared, ref, has_default=default is not None):
                shown = _type_text(declared.type)
                _fail(
                    f'Variable "${name}" of type "{shown}" used in position '
                    f'expecting type "{type_text}".',
                    node,
                )
        elif node.kind == "list_value":
            inner = ref.nullable.of if ref and ref.nullable.kind == "LIST" else None
            for item in node.values:
                self._values(item, inner, str(inner or ""), None)
        elif node.kind == "object_value":
            found = self._schema.types.get(ref.base) if ref else None
            for item in node.fields:
                known = found.inputs.get(item.name.value) if found else None
                self._values(
                    item.value,
                    known.ref if known else None,
                    known.type if known else "",
                    known.default if known else None,
                )

    def _directives(self, node: Any) -> None:
        for directive in node.directives or ():
            name = directive.name.value
            if name not in _EXECUTABLE_DIRECTIVES:
                if name in self._schema.directives:
                    _fail(f'Directive "@{name}" may not be used on FIELD.', directive)
                _fail(f'Unknown directive "@{name}".', directive)
            for argument in directive.arguments or ():
                self._values(argument.value, type_ref("Boolean!"), "Boolean!", None)

    def _suggestion(self, type_name: str, name: str) -> str:
        found = self._schema.types[type_name]
        if found.kind == "INTERFACE":
            # A field of an implementing type is most likely wanted inside a fragment on it.
            owners = sorted(
                owner
                for owner in self._schema.possible(type_name)
                if name in self._schema.types[owner].fields
            )
            if owners:
                listed = _or_list(owners[:5])
                return f" Did you mean to use an inline fragment on {listed}?"
        return _did_you_mean(_similar(name, found.fields))


def _fits(declared: Any, ref: TypeRef, *, has_default: bool) -> bool:
    """Return whether a variable may stand where a type is expected."""
    own = type_ref(_type_text(declared.type))
    if ref.kind == "NON_NULL" and own.kind != "NON_NULL":
        with_default = (
            declared.default_value is not None and declared.default_value.kind != "null_value"
        )
        return (with_default or has_default) and _is_subtype(own, ref.nullable)
    return _is_subtype(own, ref)


def _is_subtype(own: TypeRef, wanted: TypeRef) -> bool:
    if wanted.kind == "NON_NULL":
        return own.kind == "NON_NULL" and _is_subtype(own.nullable, wanted.nullable)
    own = own.nullable
    if wanted.kind == "LIST" or own.kind == "LIST":
        if wanted.kind != own.kind or own.of is None or wanted.of is None:
            return False
        return _is_subtype(own.of, wanted.of)
    return own.name == wanted.name


def _type_text(node: Any) -> str:
    if node.kind == "non_null_type":
        return f"{_type_text(node.type)}!"
    if node.kind == "list_type":
        return f"[{_type_text(node.type)}]"
    return str(node.name.value)


def _similar(name: str, options: Iterable[str]) -> list[str]:
    from graphql.pyutils import suggestion_list

    return suggestion_list(name, list(options))


def _did_you_mean(names: list[str]) -> str:
    return f" Did you mean {_or_list(names[:5])}?" if names else ""


def _or_list(names: list[str]) -> str:
    quoted = [f'"{name}"' for name in names]
    if len(quoted) <= 2:
        return " or ".join(quoted)
    return ", ".join(quoted[:-1]) + f", or {quoted[-1]}"


def _fail(message: str, node: Any) -> NoReturn:
    """Raise, with the position of a node (gqlparser names a variable definition by its `$`)."""
    token = node.loc.start_token
    raise RequestError(message, locations=[(token.line, token.column)])
