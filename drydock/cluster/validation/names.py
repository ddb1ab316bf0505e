"""The rules for names, labels and keys; each returns the reasons why a text breaks it."""

from __future__ import annotations

import re

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_QUALIFIED})?"
_DNS_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"


def dns_label(text: str) -> list[str]:
    """RFC 1123 label: names of containers, ports of volumes."""
    return _checked(
        text,
        63,
        _LABEL,
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and"
        " must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex"
        f" used for validation is '{_LABEL}')",
    )


def dns_subdomain(text: str) -> list[str]:
    """RFC 1123 subdomain: names of most objects."""
    return _checked(
        text,
        253,
        _SUBDOMAIN,
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or"
        " '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex"
        f" used for validation is '{_SUBDOMAIN}')",
    )


def object_label(text: str) -> list[str]:
    """Names of Services and Namespaces: a label, and dots are named first."""
    return ["must not contain dots"] if "." in text else dns_label(text)


def path_segment(text: str) -> list[str]:
    """Names that only have to fit into a URL: roles and bindings."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{one}'" for one in ("/", "%") if one in text]


def qualified_name(text: str) -> list[str]:
    """Keys of labels and annotations: `prefix/name`."""
    parts = text.split("/")
    reasons = []
    name = parts[-1]
    if len(parts) == 2:
        if not parts[0]:
            reasons.append("prefix part must be non-empty")
        else:
            reasons += [f"prefix part {why}" for why in dns_subdomain(parts[0])]
    elif len(parts) > 2:
        return [
            (
                "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must"
                " start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or"
                f" '123-abc', regex used for validation is '{_QUALIFIED}') with an optional DNS"
                " subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )
        ]
    if not name:
        reasons.append("name part must be non-empty")
    elif len(name) > 63:
        reasons.append("name part must be no more than 63 bytes")
    if not re.fullmatch(_QUALIFIED, name):
        reasons.append(
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and"
            " end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex"
            f" used for validation is '{_QUALIFIED}')"
        )
    return reasons


def label_value(text: str) -> list[str]:
    """Values of labels."""
    reasons = []
    if len(text.encode()) > 63:
        reasons.append("must be no more than 63 bytes")
    if not re.fullmatch(_VALUE, text):
        reasons.append(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_'"
            " or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or"
            f" 'my_value',  or '12345', regex used for validation is '{_VALUE}')"
        )
    return reasons


def config_key(text: str) -> list[str]:
    """Keys of ConfigMaps and Secrets."""
    reasons = []
    if len(text) > 253:
        reasons.append("must be no more than 253 characters")
    if not re.fullmatch(r"[-._a-zA-Z0-9]+", text):
        reasons.append(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g."
            " 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is"
            " '[-._a-zA-Z0-9]+')"
        )
    if text == ".":
        reasons.append("must not be '.'")
    elif text == "..":
        reasons.append("must not be '..'")
    elif text.startswith(".."):
        reasons.append("must not start with '..'")
    return reasons


def env_name(text: str) -> list[str]:
    """Names of environment variables."""
    if text and all(" " <= char <= "~" and char != "=" for char in text):
        return []
    return [
        (
            "a valid environment variable name must consist only of printable ASCII characters other"
            " than '='"
        )
    ]


def port_name(text: str) -> list[str]:
    """Names of ports (IANA service names)."""
    reasons = []
    if len(text) > 15:
        reasons.append("must be no more than 15 characters")
    if not re.fullmatch(r"[-a-z0-9]+", text):
        reasons.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    elif not re.search(r"[a-z]", text):
        reasons.append("must contain at least one letter (a-z)")
    if "--" in text:
        reasons.append("must not contain consecutive hyphens")
    if text and (text[0] == "-" or text[-1] == "-"):
        reasons.append("must not begin or end with a hyphen")
    return reasons


def port_number(number: int) -> list[str]:
    """Numbers of ports."""
    return [] if 1 <= number <= 65535 else ["must be between 1 and 65535, inclusive"]


def _checked(text: str, most: int, pattern: str, why: str) -> list[str]:
    reasons = []
    if len(text) > most:
        reasons.append(f"must be no more than {most} characters")
    if not re.fullmatch(pattern, text):
        reasons.append(why)
    return reasons
