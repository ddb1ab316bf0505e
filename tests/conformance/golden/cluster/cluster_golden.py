"""The language of recorded cluster answers: masks, tables, paths, comparison.

"<re:...>" inside a text is a regular expression (without ">"), "<any>" as a
whole value stands for any value that is present, "${NS}" for the scenario's
namespace.
"""

from __future__ import annotations

import json
import re
from typing import Any

REGEX_PART = re.compile(r"<re:(.*?)>", re.DOTALL)
SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
AGE = r"(?:\d+[smhd])+"
MASKS = [
    (
        re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        r"<re:[0-9a-f-]{36}>",
    ),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"), r"<re:\d{4}-[0-9T:.-]+Z>"),
    (
        re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} \+0000"),
        r"<re:\w+, \d+ \w+ \d{4} [\d:]{8} \+0000>",
    ),
    (re.compile(r'(resourceVersion"?: ?)"\d+"'), r'"<re:\d+>"'),
    (re.compile(rf"-{SAFE}{{7,10}}-{SAFE}{{5}}\b"), r"-<re:[a-z0-9]{4,10}-[a-z0-9]{5}>"),
    (re.compile(rf"-{SAFE}{{5}}\b(?![-.])"), r"-<re:[a-z0-9]{5}>"),
    (re.compile(rf"([-=]){SAFE}{{7,10}}\b"), r"<re:[a-z0-9]{4,10}>"),
    (re.compile(r"\b10\.96\.\d+\.\d+\b"), r"<re:10\.\d+\.\d+\.\d+>"),
    (re.compile(r"\b10\.88\.\d+\.\d+\b"), r"<re:10\.\d+\.\d+\.\d+>"),
    (re.compile(r"\b([WEI])\d{4} [\d:.]+ +\d+ (?=\w+\.go)"), r"<re:\d{4} [\d:.]+ +\d+ >"),
    (re.compile(r"((?:in record|ResourceVersion) )\(\d+\)"), r"(<re:\d+>)"),
    (re.compile(r"((?:, was) )\d{2,}"), r"<re:\d+>"),
    (re.compile(r"(kube-api-access-)[a-z0-9]{5}\b"), r"<re:[a-z0-9]{5}>"),
    (re.compile(r"(:)3[0-2]\d{3}(?=/(?:TCP|UDP))"), r"<re:3\d{4}>"),
    (re.compile(r"(, current: )\d+"), r"<re:\d+>"),
    (re.compile(r"(too old resource version: 1 )\(\d+\)"), r"(<re:\d+>)"),
    (re.compile(r"\d{4}-\d\d-\d\d [\d:]{8} \+0000 UTC"), r"<re:[\d-]+ [\d:]+ \+0000 UTC>"),
    (re.compile(r"^kcm$"), r"<re:kube-controller-manager|kcm>"),
    (re.compile(r"applyset-[\w-]{43}-v1"), r"applyset-<re:[A-Za-z0-9_-]{43}>-v1"),
    (re.compile(r"(?<![\d:-])\b3[0-2]\d{3}\b(?!\d|[.:-]\d)"), r"<re:3\d{4}>"),
    (re.compile(r"https://127\.0\.0\.1:\d+"), r"<re:https://[^/ ]+>"),
]
VENDOR = "openshift-service-ca.crt"
"""A source that some builds of the API server add to every token volume; it is no part of the record."""
VENDOR_LINES = re.compile(rf" *ConfigMapName: +{VENDOR}\n *Optional: +false\n")
DROPPED = {"uid", "resourceVersion", "creationTimestamp", "selfLink"}
VOLATILE = re.compile(
    r"(Time|Timestamp|^time|startedAt|finishedAt|clusterIP|clusterIPs|nodePort|podIPs?|containerID|continue|-template-hash|-revision-hash)$"
)


def pattern_of(expected: str, loose: bool = False) -> re.Pattern[str]:
    """Compile an expectation: text outside of "<re:...>" is literal."""
    parts, end = [], 0
    for match in REGEX_PART.finditer(expected):
        parts.append(re.escape(expected[end : match.start()]))
        parts.append(f"(?:{match[1]})")
        end = match.end()
    parts.append(re.escape(expected[end:]))
    return re.compile("".join(parts), re.DOTALL)


def without_vendor(text: str) -> str:
    """Drop the two lines of "kubectl describe" about the vendor's source."""
    return VENDOR_LINES.sub("", text)


def squeezed(text: str) -> str:
    """Reduce every run of blanks to one and drop those at the ends of lines."""
    return re.sub(r" +(?=\n|$)", "", re.sub(r"[ \t]+", " ", text))


def masked(text: str, ns: str, *, ages: bool = False) -> str:
    """Replace what differs between two runs by a pattern."""
    text = text.replace(ns, "${NS}")
    for mask, replacement in MASKS:
        text = mask.sub(lambda m, new=replacement: (m[1] if m.lastindex else "") + new, text)
    if ages:
        age = r"<re:(?:\d+[smhd])+|.unknown.>"
        text = re.sub(rf"((?:Normal|Warning) \S+ |Duration: ){AGE}", lambda m: m[1] + age, text)
        text = re.sub(
            rf"\(x\d+ over {AGE}\)", lambda _: r"(x<re:\d+> over <re:(?:\d+[smhd])+>)", text
        )
    return text


def stable(value: Any, key: str = "") -> Any:
    """Return a structure without identity, its managers in a fixed order."""
    if isinstance(value, dict):
        return {
            k: stable(v, k) for k, v in value.items() if k not in DROPPED or not isinstance(v, str)
        }
    if isinstance(value, list):
        items = [
            stable(v)
            for v in value
            if not (isinstance(v, dict) and (v.get("configMap") or {}).get("name") == VENDOR)
        ]
        order = ("manager", "operation", "subresource")
        return (
            sorted(items, key=lambda m: [m.get(k, "") for k in order])
            if key == "managedFields"
            else items
        )
    return value


def masked_json(value: Any, ns: str, key: str = "") -> Any:
    """Return a structure with its volatile leaves as "<any>" and its texts masked."""
    if isinstance(value, dict):
        return {k: masked_json(v, ns, k) for k, v in value.items()}
    if isinstance(value, list):
        address = key in ("clusterIPs", "podIPs") and value not in (["None"], [])
        return (
            "<any>"
            if address
            else [masked_json(v, ns, "" if key == "cells" else key) for v in value]
        )
    if VOLATILE.search(key) and value not in (None, "", "None", 0) and not isinstance(value, bool):
        return "<any>"
    if isinstance(value, str):
        return r"<re:(?:\d+[smhd])+>" if re.fullmatch(AGE, value) and not key else masked(value, ns)
    return value


def columns_of(header: str) -> list[int]:
    """Return where the columns of a kubectl table start."""
    return [m.start() for m in re.finditer(r"\S+(?: \S+)*", header)]


def parse_table(text: str) -> list[list[str]]:
    """Split the output of "kubectl get" into cells by the header's columns."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return []
    starts = columns_of(lines[0])
    return [
        [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        for line in lines
    ]


def table_of(text: str, ns: str) -> list[list[str]]:
    """Return a table with its volatile cells masked."""
    rows = parse_table(text)
    if not rows:
        return rows
    header = rows[0]
    ages = {
        i
        for i, name in enumerate(header)
        if name in ("AGE", "LAST SEEN", "LAST SCHEDULE", "DURATION", "FIRST SEEN")
    }
    return [header] + [
        ["<any>" if i in ages and re.search(r"\d", c) else masked(c, ns) for i, c in enumerate(row)]
        for row in rows[1:]
    ]


def matches(expected: Any, actual: Any, path: str = "") -> list[str]:
    """Compare two structures; return one line per difference."""
    if expected == "<any>":
        return [] if actual is not None else [f"{path}: absent"]
    if isinstance(expected, dict) and isinstance(actual, dict):
        wrong = [
            f"{path}.{k}: unexpected {json.dumps(actual[k])[:120]}"
            for k in actual
            if k not in expected
        ]
        for key, value in expected.items():
            wrong += (
                matches(value, actual[key], f"{path}.{key}")
                if key in actual
                else [f"{path}.{key}: missing"]
            )
        return wrong
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return [
                f"{path}: {len(actual)} items, expected {len(expected)}: {json.dumps(actual)[:300]}"
            ]
        return [
            w
            for i, (e, a) in enumerate(zip(expected, actual, strict=True))
            for w in matches(e, a, f"{path}[{i}]")
        ]
    if isinstance(expected, str) and isinstance(actual, str):
        same = pattern_of(expected).fullmatch(actual) is not None
    else:
        same = expected == actual and isinstance(expected, bool) == isinstance(actual, bool)
    return (
        []
        if same
        else [f"{path}: {json.dumps(actual)[:300]}, expected {json.dumps(expected)[:300]}"]
    )


def pick(value: Any, path: str) -> Any:
    """Follow a path such as ".spec.ports[0].port" or ".metadata.labels['a.b/c']"."""
    for key, index, quoted in re.findall(r"\.([\w$-]+)|\[(\d+)\]|\['([^']+)'\]", path):
        try:
            value = value[int(index)] if index else value[key or quoted]
        except (KeyError, IndexError, TypeError):
            return None
    return value
