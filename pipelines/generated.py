"""Texts that are made and not written: each says so in its first line, and is the same for the same input."""

from typing import Any

import yaml

TOOL = "tools/generate_manifests.py"
_WIDTH = 1000


def yaml_text(value: object, origin: str) -> str:
    """Write YAML that people can read and compare, and where it comes from."""
    note = f"# Generated from {origin} by {TOOL}. Do not edit by hand.\n"
    return note + yaml.dump(value, Dumper=_Plain, sort_keys=False, width=_WIDTH, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    """Writes each value where it stands, without anchors, and texts of several lines as such."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002  the dumper's own face
        """Never refer to what was written before."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Plain.add_representer(str, _text)
