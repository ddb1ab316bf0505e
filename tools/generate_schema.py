#!/usr/bin/env python3
"""Generate drydock/engine/schema.graphql, the API that Drydock answers.

Two sources, each for what it alone knows:

* the recorded introspection of a real engine (tests/conformance/golden/dagger/api/schema.json) is the
  authority on shape: types, fields, arguments, defaults, directives, deprecations;
* the installed SDK's `dagger/client/gen.py`, read with `ast` and never imported, gives the descriptions
  and what clients really send. Whatever it can send that the record lacks is listed in SDK_ONLY, so that
  an SDK update that brings new API fails here (and in the drift test) instead of in a user's pipeline.

usage: generate_schema.py [--check]      (--check exits 1 if the committed file differs)
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "tests/conformance/golden/dagger/api/schema.json"
TARGET = ROOT / "drydock/engine/schema.graphql"
BUILTIN_SCALARS = frozenset({"Boolean", "Float", "ID", "Int", "String"})
BUILTIN_DIRECTIVES = frozenset({"deprecated", "include", "skip", "specifiedBy"})

# What the SDK's classes hold and the engine of the record does not: an experimental volume type.
SDK_ONLY = frozenset(
    {
        "Volume",
        "Address.volume",
        "Binding.asVolume",
        "Container.withMountedVolume",
        "Env.withVolumeInput",
        "Env.withVolumeOutput",
        "Query.loadVolumeFromID",
        "Query.sshfsVolume",
    }
)

# Arguments that introspection leaves out because they are deprecated; clients may still send them.
DEPRECATED_ARGUMENTS = {
    ("File", "asEnvFile"): {"expand": {"type": "Boolean"}},
    ("Query", "envFile"): {"expand": {"type": "Boolean"}},
    ("Query", "git"): {"keepGitDir": {"type": "Boolean", "default": "true"}},
}


@dataclass
class SdkField:
    """One method of gen.py: what it selects and how it describes itself."""

    description: str
    arguments: dict[str, str] = field(default_factory=dict)
    deprecated: str = ""


@dataclass
class SdkType:
    """One class of gen.py; `values` for enums, `fields` for objects and input objects."""

    description: str
    fields: dict[str, SdkField] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)


def sdk_source() -> Path:
    """Return the path of the installed SDK's generated client without importing it."""
    package = importlib.util.find_spec("dagger")
    if package is None or package.origin is None:
        raise SystemExit("dagger-io is not installed; next: pip install -e '.[drydock]'")
    return Path(package.origin).parent / "client" / "gen.py"


def read_sdk(source: str) -> dict[str, SdkType]:
    """Parse gen.py into types by GraphQL name."""
    types: dict[str, SdkType] = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef):
            continue
        bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
        found = SdkType(_paragraphs(ast.get_docstring(node) or ""))
        if "Enum" in bases:
            found.values = dict(_described_names(node))
        elif "Input" in bases:
            found.fields = {n: SdkField(text) for n, text in _described_names(node)}
        elif bases & {"Type", "Root"}:
            found.fields = dict(_methods(node))
        elif not bases & {"Scalar", "Protocol"}:
            continue
        name = node.name.removeprefix("_").removesuffix("Client") if "_" in node.name else node.name
        if name in types:
            found.description = types[name].description
        types[name] = found
    return types


def _described_names(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Yield (member, description) of an enum or input class; a bare string follows its member."""
    for index, statement in enumerate(node.body):
        if isinstance(statement, ast.Assign):
            target = statement.targets[0]
        elif isinstance(statement, ast.AnnAssign):
            target = statement.target
        else:
            continue
        after = node.body[index + 1] if index + 1 < len(node.body) else None
        text = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            text = _paragraphs(str(after.value.value))
        if isinstance(target, ast.Name):
            yield target.id, text


def _methods(node: ast.ClassDef) -> Iterator[tuple[str, SdkField]]:
    """Yield (GraphQL name, field) of every method that selects something."""
    for method in node.body:
        if not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        selected = ""
        python_names: dict[str, str] = {}
        deprecated = ""
        for call in (n for n in ast.walk(method) if isinstance(n, ast.Call)):
            match call.func:
                case ast.Name(id="Arg"):
                    name = ast.literal_eval(call.args[0])
                    used = [n.id for n in ast.walk(call.args[1]) if isinstance(n, ast.Name)]
                    python_names[name] = used[-1] if used else name
                case ast.Attribute(attr="_select" | "root_select" | "_root_select"):
                    selected = ast.literal_eval(call.args[0])
                case ast.Attribute(attr="warn"):
                    deprecated = ast.literal_eval(call.args[0]).partition(": ")[2]
        if not selected and method.name == "sync":
            selected = "sync"
        if not selected:
            continue
        text, parameters = _numpy_docstring(ast.get_docstring(method) or "")
        arguments = {name: parameters.get(python, "") for name, python in python_names.items()}
        yield selected, SdkField(text, arguments, deprecated)


def _numpy_docstring(text: str) -> tuple[str, dict[str, str]]:
    """Split a numpy-style docstring into its description and its parameters' descriptions."""
    sections: dict[str, list[str]] = {"": []}
    current = ""
    lines = text.splitlines()
    for index, line in enumerate(lines):
        if index + 1 < len(lines) and set(lines[index + 1]) == {"-"}:
            current = line
            sections[current] = []
        elif set(line) != {"-"} or not line:
            sections[current].append(line)
    parameters: dict[str, str] = {}
    name = ""
    for line in sections.get("Parameters", []):
        if line and not line.startswith(" "):
            name = line.partition(":")[0].strip()
            parameters[name] = ""
        elif name:
            parameters[name] += line.strip() + "\n"
    described = "\n".join(sections[""])
    description = described.partition(".. deprecated::")[0]
    return _paragraphs(description), {k: _paragraphs(v) for k, v in parameters.items()}


def _paragraphs(text: str) -> str:
    """Undo the SDK's line wrapping: one line per paragraph."""
    blocks = textwrap.dedent(text).strip().split("\n\n")
    return "\n\n".join(" ".join(block.split()) for block in blocks)


def unknown_to_record(sdk: Mapping[str, SdkType], record: Mapping[str, Any]) -> set[str]:
    """Return `Type`, `Type.field` and `Type.field(argument)` of the SDK that the record lacks."""
    missing: set[str] = set()
    for type_name, sdk_type in sdk.items():
        recorded = record["types"].get(type_name)
        if recorded is None:
            if not type_name.endswith("ID"):
                missing.add(type_name)
            continue
        known = {**recorded.get("fields", {}), **recorded.get("inputFields", {})}
        for name, sdk_field in sdk_type.fields.items():
            if name not in known:
                missing.add(f"{type_name}.{name}")
                continue
            unknown = sdk_field.arguments.keys() - known[name].get("args", {}).keys()
            missing |= {f"{type_name}.{name}({argument})" for argument in unknown}
        values = sdk_type.values.keys() - set(recorded.get("enumValues", []))
        missing |= {f"{type_name}.{value}" for value in values}
    return {
        item
        for item in missing
        if item.partition(".")[0] == item or item.partition(".")[0] not in missing
    }


class Printer:
    """Writes the record as SDL, with the SDK's words."""

    def __init__(self, record: Mapping[str, Any], sdk: Mapping[str, SdkType]) -> None:
        self._record, self._sdk = record, sdk
        self._lines: list[str] = []

    def text(self) -> str:
        """Return the whole document."""
        self._lines = [
            "# Generated by tools/generate_schema.py from the SDK's client and the recorded schema.",
            "# Do not edit by hand.",
            "",
        ]
        for name, directive in self._record["directives"].items():
            if name not in BUILTIN_DIRECTIVES:
                places = " | ".join(directive["locations"])
                self._lines += [f"directive @{name}{_arguments(directive['args'])} on {places}", ""]
        for name, recorded in self._record["types"].items():
            if not name.startswith("__") and name not in BUILTIN_SCALARS:
                self._type(name, recorded)
        return "\n".join(self._lines).rstrip() + "\n"

    def _type(self, name: str, recorded: Mapping[str, Any]) -> None:
        words = self._sdk.get(name, SdkType(""))
        self._describe(words.description, "")
        interfaces = recorded.get("interfaces") or []
        implements = f" implements {' & '.join(interfaces)}" if interfaces else ""
        match recorded["kind"]:
            case "SCALAR":
                self._lines += [f"scalar {name}", ""]
                return
            case "ENUM":
                self._lines.append(f"enum {name} {{")
                for value in recorded["enumValues"]:
                    self._describe(words.values.get(value, ""), "  ")
                    self._lines.append(f"  {value}")
            case "INPUT_OBJECT":
                self._lines.append(f"input {name} {{")
                for key, value in recorded["inputFields"].items():
                    self._describe(words.fields.get(key, SdkField("")).description, "  ")
                    self._lines.append("  " + _argument(key, value))
            case "OBJECT" | "INTERFACE" as kind:
                keyword = {"OBJECT": "type", "INTERFACE": "interface"}[kind]
                self._lines.append(f"{keyword} {name}{implements} {{")
                for key, value in recorded["fields"].items():
                    self._field(key, value, words.fields.get(key, SdkField("")))
            case other:
                raise SystemExit(f"{name}: the generator knows no kind {other}")
        self._lines += ["}", ""]

    def _field(self, name: str, recorded: Mapping[str, Any], words: SdkField) -> None:
        self._describe(words.description, "  ")
        end = f": {recorded['type']}"
        if recorded.get("deprecated"):
            end += f" @deprecated(reason: {json.dumps(words.deprecated)})"
        for directive in recorded.get("directives", []):
            end += f" {directive}"
        arguments = recorded.get("args", {})
        if any(words.arguments.get(key) for key in arguments):
            self._lines.append(f"  {name}(")
            for key, value in arguments.items():
                self._describe(words.arguments.get(key, ""), "    ")
                self._lines.append("    " + _argument(key, value))
            self._lines.append(f"  ){end}")
        else:
            self._lines.append(f"  {name}{_arguments(arguments)}{end}")

    def _describe(self, text: str, indent: str) -> None:
        if text:
            escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            self._lines.append(f'{indent}"{escaped}"')


def _arguments(arguments: Mapping[str, Any]) -> str:
    listed = ", ".join(_argument(name, value) for name, value in arguments.items())
    return f"({listed})" if listed else ""


def _argument(name: str, recorded: Mapping[str, Any]) -> str:
    default = f" = {recorded['default']}" if "default" in recorded else ""
    directives = "".join(f" {directive}" for directive in recorded.get("directives", []))
    return f"{name}: {recorded['type']}{default}{directives}"


def generate() -> str:
    """Return the schema document; raise SystemExit when SDK and record have drifted apart."""
    record = json.loads(RECORD.read_text())
    sdk = read_sdk(sdk_source().read_text())
    for (type_name, field_name), arguments in DEPRECATED_ARGUMENTS.items():
        for name, argument in arguments.items():
            deprecated = {**argument, "directives": ['@deprecated(reason: "It has no effect.")']}
            record["types"][type_name]["fields"][field_name].setdefault("args", {})[
                name
            ] = deprecated
    drift = unknown_to_record(sdk, record) ^ SDK_ONLY
    if drift:
        raise SystemExit(
            "the installed SDK and the recorded schema differ in "
            + ", ".join(sorted(drift))
            + "; next: record the new engine's schema, or name the difference in SDK_ONLY"
        )
    return Printer(record, sdk).text()


def main() -> int:
    """Write the file, or compare it with --check."""
    parser = argparse.ArgumentParser(description="Generate drydock/engine/schema.graphql.")
    parser.add_argument("--check", action="store_true", help="only compare with the committed file")
    wanted = generate()
    if not parser.parse_args().check:
        TARGET.write_text(wanted)
        return 0
    if TARGET.read_text() == wanted:
        return 0
    sys.stderr.write(f"{TARGET} is not what the SDK says; next: python tools/generate_schema.py\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
