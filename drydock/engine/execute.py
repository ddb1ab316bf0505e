"""Answers one GraphQL request of a client.

parse -> validate -> introspection from the cache | selections with coerced arguments -> walk.

The rules of a real engine: a document that is wrong is HTTP 422; a failing field is HTTP 200 with one
error (the first) and no data; its path names fields, only the leaf by its alias. Objects get their ids
here: the digest of (type, parent id, field, arguments), unless the object has an `identity`. Equal
calls of a session share one object, and one resolution while it is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from functools import lru_cache
from typing import Any

from .coerce import Coercer, literal, numbers_marked
from .errors import CoercionError, EngineError, RequestError
from .field import Call, HasIdentity, Resolver, graphql_type, snake_case
from .introspection import Introspection
from .naming import span_of
from .node import Recipe
from .schema import Argument, Field, Schema, TypeRef
from .selection import Selected, Selector
from .session import Client
from .trace import Span, current_span
from .validate import check_variables, validate

Answer = tuple[int, dict[str, Any]]


class Query:
    """The query root, parent of everything."""

    graphql_type = "Query"


ROOT = Query()


@dataclass
class _Failure(Exception):  # noqa: N818 - carries an error to the top, is none of its own
    """An EngineError on its way up, with the path it happened at."""

    error: EngineError
    path: list[str] = attribute(default_factory=list)


async def execute(
    client: Client,
    query: str,
    variables: Mapping[str, Any] | None = None,
    operation_name: str | None = None,
    span: Span | None = None,
) -> Answer:
    """Return HTTP status and body of a request."""
    try:
        return 200, {"data": await _answer(client, query, variables or {}, operation_name, span)}
    except RequestError as error:
        return 422, {"errors": [error.as_json()], "data": None}
    except CoercionError as error:
        message = f"query:\n{query}\n\nerror: {error.message}"
        return 200, {"errors": [{"message": message}], "data": None}
    except _Failure as failure:
        shown: dict[str, Any] = {"message": failure.error.text, "path": failure.path}
        if failure.error.extensions:
            shown["extensions"] = failure.error.extensions
        return 200, {"errors": [shown], "data": None}


async def _answer(
    client: Client,
    query: str,
    variables: Mapping[str, Any],
    operation_name: str | None,
    span: Span | None,
) -> dict[str, Any]:
    engine, schema = client.session.engine, client.schema.schema
    # Only a document that names __schema can be an introspection; the answer is cached by its text.
    key = ""
    if "__schema" in query:
        key = engine.introspections.key(schema, query, variables)
        if (kept := engine.introspections.get(key)) is not None:
            return kept
    document = _parse(query)
    operation = _operation(document, operation_name)
    fragments = {d.name.value: d for d in document.definitions if d.kind == "fragment_definition"}
    _validated(schema, query)
    given = check_variables(operation, numbers_marked(dict(variables)))
    selector = Selector(schema, Coercer(schema, engine.nodes), fragments, given)
    selections = selector.select(operation.selection_set, "Query")
    if all(item.name in {"__schema", "__type", "__typename"} for item in selections):
        introspection = Introspection(schema)
        answer = {
            item.alias: "Query" if item.name == "__typename" else introspection.root(item)
            for item in selections
        }
        if key:
            engine.introspections.put(key, answer)
        return answer
    await engine.types_loaded()
    walker = Walker(client)
    with (span or client.span).current():
        return await walker.walk(ROOT, "", selections, [])


@lru_cache(maxsize=512)
def _parse(query: str) -> Any:
    from graphql import GraphQLSyntaxError
    from graphql.language import parse

    if not query.strip():
        raise RequestError("no operation provided")
    try:
        return parse(query)
    except GraphQLSyntaxError as error:
        message = error.message.removeprefix("Syntax Error: ").removesuffix(".")
        locations = [(item.line, item.column) for item in error.locations or ()]
        raise RequestError(message, "GRAPHQL_PARSE_FAILED", locations=locations) from None


def _operation(document: Any, name: str | None) -> Any:
    operations = [d for d in document.definitions if d.kind == "operation_definition"]
    if name:
        operations = [d for d in operations if d.name and d.name.value == name]
        if not operations:
            raise RequestError(f"operation {name} not found")
    if not operations:
        raise RequestError("no operation provided")
    return operations[0]


_VALID: dict[tuple[str, str], None] = {}
_VALID_KEPT = 4096


def _validated(schema: Schema, query: str) -> None:
    key = (schema.digest, query)
    if key not in _VALID:
        validate(schema, _parse(query))
        if len(_VALID) >= _VALID_KEPT:
            _VALID.clear()
        _VALID[key] = None


class Walker:
    """Follows the selections of one request."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._session = client.session
        self._engine = client.session.engine

    async def walk(
        self, parent: Any, parent_id: str, selections: Sequence[Selected], path: list[str]
    ) -> dict[str, Any]:
        """Answer the selections on an object; siblings run at the same time, the first error wins."""
        schema = self._client.schema.schema
        actual = graphql_type(parent)
        wanted = [s for s in selections if s.on is None or schema.is_a(actual, s.on)]
        if len(wanted) == 1:
            return {wanted[0].alias: await self._field(parent, parent_id, wanted[0], path)}
        found = await _together([self._field(parent, parent_id, s, path) for s in wanted])
        return {selected.alias: value for selected, value in zip(wanted, found, strict=True)}

    async def _field(self, parent: Any, parent_id: str, selected: Selected, path: list[str]) -> Any:
        """Answer one field and what is selected below it."""
        if selected.name == "__typename":
            return graphql_type(parent)
        if selected.field is None:
            raise TypeError(f"{selected.name} was selected without a definition")
        here = [*path, selected.name]
        composite = self._composite(selected.field.ref)
        try:
            _check_selected(selected, composite=composite)
            found = await self._resolve(parent, parent_id, selected)
        except EngineError as error:
            raise _Failure(error, [*path, selected.alias]) from error
        resolver = self._client.schema.resolver(graphql_type(parent), selected.name)
        if resolver is not None and resolver.below:
            here = list(resolver.below)
        return await self._below(found, selected.children or (), here)

    async def _below(self, found: Any, children: Sequence[Selected], path: list[str]) -> Any:
        if isinstance(found, _Object):
            return await self.walk(found.value, found.id, children, path)
        if isinstance(found, list) and any(isinstance(item, _Object) for item in found):
            return await _together([self._below(item, children, path) for item in found])
        return found

    def _composite(self, ref: TypeRef) -> bool:
        return self._client.schema.schema.types[ref.base].composite

    async def _resolve(self, parent: Any, parent_id: str, selected: Selected) -> Any:
        """Call the resolver; return a leaf, an `_Object`, or a list of them."""
        type_name = graphql_type(parent)
        # The object's own field: through an interface fewer arguments are known.
        definition = self._client.schema.schema.field(type_name, selected.name) or selected.field
        assert definition is not None  # noqa: S101 - _field checked
        if definition.name == "id":
            return parent_id or Recipe("Query", "", "").id()
        if type_name == "Query" and (loaded := await self._load(definition, selected)):
            return loaded
        resolver = self._client.schema.resolver(type_name, definition.name)
        if resolver is None:
            raise EngineError(
                f"Drydock does not implement {type_name}.{definition.name} yet; "
                "a real Dagger Engine does (see docs/drydock.md)"
            )
        recipe = Recipe(
            type=definition.ref.base,
            parent=parent_id,
            field=resolver.name,
            args=self._filled(selected, definition),
            scope=self._client.scope if resolver.scoped else "",
        )
        if self._composite(definition.ref):
            return await self._objects(parent, resolver, recipe, definition)
        value = await self._call(parent, resolver, recipe, definition)
        if definition.ref.base == "ID" and not isinstance(value, str):
            return parent_id if value is parent else self._admit(value, recipe).id
        return value

    def _filled(self, selected: Selected, definition: Field) -> dict[str, Any]:
        """Return the arguments that are not None, with the defaults an interface does not know."""
        args = {name: value for name, value in selected.args.items() if value is not None}
        if definition is not selected.field:
            coercer = Coercer(self._client.schema.schema, self._engine.nodes)
            for name in definition.args.keys() - selected.args.keys():
                argument = definition.args[name]
                if argument.default is not None:
                    default = literal(argument.default)
                    args[name] = coercer.argument(definition.name, argument, default)
        return args

    async def _load(self, definition: Field, selected: Selected) -> _Object | None:
        """Answer `node` and `loadXFromID`."""
        name = definition.name
        if name == "node":
            id_ = selected.args["id"]
        elif name.startswith("load") and name.endswith("FromID"):
            id_ = selected.args["id"]
            wanted = definition.ref.base
            recipe = self._engine.nodes.decode(id_)
            if not self._client.schema.schema.is_a(recipe.type, wanted):
                raise EngineError(f"load {wanted}: expected {wanted}, got {recipe.type}")
        else:
            return None
        return _Object(id_, await self.load(id_))

    async def load(self, id_: str) -> Any:
        """Return the object of an id, made again from its recipe if this session has not seen it."""
        if id_ in self._session.objects:
            return self._session.objects[id_]
        return await self._session.flights.join(f"load:{id_}", lambda: self._remake(id_))

    async def _loaded(self, value: Any) -> Any:
        """Return the object of an id, or the objects of a list of ids."""
        if isinstance(value, list):
            return list(await asyncio.gather(*(self.load(item) for item in value)))
        return await self.load(value)

    async def _remake(self, id_: str) -> Any:
        recipe = self._engine.nodes.decode(id_)
        if not recipe.field:
            return ROOT
        parent = await self.load(recipe.parent) if recipe.parent else ROOT
        type_name, _, field_name = recipe.field.partition(".")
        definition = self._client.schema.schema.field(type_name, field_name)
        resolver = self._client.schema.resolver(type_name, field_name)
        if resolver is None:
            raise EngineError(
                f"cannot load an object made by {recipe.field}: "
                "the module that defines it is not loaded in this session"
            )
        if recipe.index is not None and definition is not None:
            whole = Recipe(
                recipe.type, recipe.parent, recipe.field, recipe.args, None, recipe.scope
            )
            found = await self._objects(parent, resolver, whole, definition)
            return found[recipe.index].value
        with current_span().child(recipe.field, silent=True).current():
            value = await self._call(parent, resolver, recipe, definition)
        self._session.objects[id_] = value
        return value

    async def _objects(
        self, parent: Any, resolver: Resolver, recipe: Recipe, definition: Field
    ) -> Any:
        """Return the object (or list of objects, or None) of a call, shared with equal calls."""
        id_ = recipe.id()
        kept = self._session.objects
        remembers = resolver.remembers(recipe.args)
        if remembers and id_ in kept:
            return self._wrap(kept[id_], recipe)

        async def make() -> Any:
            value = await self._call(parent, resolver, recipe, definition)
            if value is not None:
                kept[id_] = value
            return value

        if not remembers:
            return self._wrap(await make(), recipe)
        return self._wrap(await self._session.flights.join(id_, make), recipe)

    def _wrap(self, value: Any, recipe: Recipe) -> Any:
        if value is None:
            return None
        if isinstance(value, list | tuple):
            return [
                self._admit(
                    item,
                    Recipe(
                        graphql_type(item),
                        recipe.parent,
                        recipe.field,
                        recipe.args,
                        index,
                        recipe.scope,
                    ),
                )
                for index, item in enumerate(value)
            ]
        return self._admit(value, recipe)

    def _admit(self, value: Any, recipe: Recipe) -> _Object:
        """Give an object its id."""
        actual = graphql_type(value)
        identity = value.identity if isinstance(value, HasIdentity) else None
        if identity is not None:
            recipe = Recipe(actual, "", identity.field, identity.args)
        elif recipe.type != actual:
            recipe = Recipe(
                actual, recipe.parent, recipe.field, recipe.args, recipe.index, recipe.scope
            )
        id_ = self._engine.nodes.remember(recipe)
        self._session.objects[id_] = value
        return _Object(id_, value)

    async def _call(
        self, parent: Any, resolver: Resolver, recipe: Recipe, definition: Field | None
    ) -> Any:
        """Call a resolver with loaded arguments, inside its span."""
        arguments: dict[str, Any] = {}
        ids: dict[str, Any] = {}
        definitions = definition.args if definition else {}
        for name, value in _all(recipe.args, definitions):
            argument = definitions.get(name)
            if argument is not None and argument.ref.base == "ID" and value is not None:
                ids[snake_case(name)] = value
                arguments[snake_case(name)] = await self._loaded(value)
            else:
                arguments[snake_case(name)] = _snake_keys(value)
        type_name, _, field_name = resolver.name.partition(".")
        span = span_of(resolver, recipe, definition)
        call = Call(
            session=self._session,
            client=self._client,
            runtime=self._engine,
            id=recipe.id(),
            parent_id=recipe.parent,
            type_name=type_name,
            field_name=field_name,
            span=span,
            ids=ids,
        )
        makes_object = definition is not None and self._composite(definition.ref)
        if makes_object and not resolver.quiet and self._engine.nodes.known(call.id):
            span.cached()
        try:
            with span.active():
                value = resolver.resolve(parent, call, **arguments)
                return await value if hasattr(value, "__await__") else value
        except EngineError:
            raise
        except Exception as error:
            raise self._engine.unexpected(error, call) from error


async def _together(work: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Return the results of work done at the same time; the first failure cancels the rest."""
    tasks = [asyncio.create_task(item) for item in work]
    if not tasks:
        return []
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task in done and task.exception() is not None:
                await task
        return [task.result() for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _check_selected(selected: Selected, *, composite: bool) -> None:
    """Raise EngineError for what a document may get wrong and validation leaves to execution."""
    if selected.missing:
        raise EngineError(f'missing required argument: "{selected.missing}"')
    if composite and selected.children is None and selected.field is not None:
        raise EngineError(
            f'field "{selected.name}" of type "{selected.field.ref.base}" '
            "must have a selection of subfields"
        )


@dataclass(frozen=True)
class _Object:
    """A domain object with its id."""

    id: str
    value: Any


def _all(
    given: Mapping[str, Any], definitions: Mapping[str, Argument]
) -> Sequence[tuple[str, Any]]:
    """Return every argument, absent ones as None; internal fields have no definitions."""
    return [(name, given.get(name)) for name in dict.fromkeys((*definitions, *given))]


def _snake_keys(value: Any) -> Any:
    """Give input objects Python's names."""
    if isinstance(value, dict):
        return {snake_case(key): _snake_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_snake_keys(item) for item in value]
    return value
