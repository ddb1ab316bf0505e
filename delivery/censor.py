"""What other programs wrote, without the secrets that they let slip: logs, events and descriptions are shown to many.

Called by whatever shows such text or keeps it. A last line of defence and no promise: it knows the usual forms.
"""

import re

HIDDEN = "[hidden]"
_NAMED = re.compile(
    r"(?P<name>[\w.-]{0,40}(?:passwd|password|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key)"
    r"[\w.-]{0,40})(?P<between>[\"']?\s*[:=]\s*[\"']?)(?P<value>[^\s\"',;&}]+)",
    re.IGNORECASE,
)
_PLAIN_NAME = re.compile(r"(?:name|names|ref|refs|type|path|file|dir|url|seconds|mount)$", re.I)
"""Names with such an end say where a secret is, not what it is."""
_PLAIN_VALUE = re.compile(r"(?:true|false|none|null|nil|<.*>|\d{1,4})$", re.IGNORECASE)
_WHOLE = (
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
    ),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    re.compile(r"\b(?:gh[opsur]_|github_pat_|glpat-|xox[abp]-)[\w-]{10,}"),
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
)
_AFTER = (
    re.compile(r"(\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)"),
)


def censored(text: str) -> str:
    """Hide what looks like a secret: named values, logins in addresses, tokens of known form, private keys."""
    for form in _WHOLE:
        text = form.sub(HIDDEN, text)
    for form in _AFTER:
        text = form.sub(rf"\1{HIDDEN}", text)
    return _NAMED.sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    name, value = found["name"], found["value"]
    if _PLAIN_NAME.search(name) or _PLAIN_VALUE.match(value) or HIDDEN in value:
        return found[0]
    return f"{name}{found['between']}{HIDDEN}"
