"""Protobuf bodies of kubectl: decoded into the same objects as JSON.

`kubectl create KIND` and `auth can-i` send protobuf and take no refusal, so requests are decoded;
answers are always JSON, which every client accepts. Field numbers come from the published `.proto`
files of the kinds that kubectl sends; a number that is not listed is an error that names it, never
a silent loss.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from drydock.cluster.errors import ApiError, Json, Obj
from drydock.cluster.protobuf_fields import MESSAGES

PROTOBUF = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"


class ProtobufError(ApiError):
    """400: bytes that are no message of the kind they claim to be."""

    def __init__(self, message: str) -> None:
        super().__init__(400, "BadRequest", f"protobuf: {message}")


@dataclass(frozen=True)
class _Wire:
    number: int
    type: int
    value: int | bytes


def decode_protobuf(data: bytes) -> Obj:
    """Return the object inside a `runtime.Unknown` envelope."""
    if not data.startswith(_MAGIC):
        raise ProtobufError("the body lacks the magic number")
    envelope = {one.number: one.value for one in _fields(data[len(_MAGIC) :])}
    head = {one.number: one.value for one in _fields(_bytes(envelope.get(1, b"")))}
    version, kind = (_text(head.get(n, b"")) for n in (1, 2))
    made = _message(kind, _bytes(envelope.get(2, b"")))
    return {"kind": kind, "apiVersion": version, **made}


def _message(name: str, data: bytes) -> Obj:
    known = MESSAGES.get(name)
    if known is None:
        raise ProtobufError(f"the kind {name} is not known; send JSON")
    made: Obj = {}
    for one in _fields(data):
        field = known.get(one.number)
        if field is None:
            raise ProtobufError(f"field {one.number} of {name} is not known; send JSON")
        key, kind = field
        if kind.startswith("[]"):
            made.setdefault(key, []).append(_value(kind[2:], one))
        elif kind.startswith("map:"):
            made.setdefault(key, {}).update([_entry(kind[4:], _bytes(one.value))])
        elif key == ".":
            made |= _value(kind, one)
        else:
            made[key] = _value(kind, one)
    return made


def _entry(kind: str, data: bytes) -> tuple[str, Json]:
    name, value = "", _value(kind, _Wire(2, 2, b"")) if kind != "bool" else False
    for one in _fields(data):
        if one.number == 1:
            name = _text(one.value)
        else:
            value = _value(kind, one)
    return name, value


def _value(kind: str, wire: _Wire) -> Json:
    if kind == "string":
        return _text(wire.value)
    if kind == "bytes":
        return base64.b64encode(_bytes(wire.value)).decode()
    if kind == "int":
        number = wire.value if isinstance(wire.value, int) else 0
        return number - (1 << 64) if number >= 1 << 63 else number
    if kind == "bool":
        return bool(wire.value)
    if kind == "quantity":
        return next((_text(f.value) for f in _fields(_bytes(wire.value)) if f.number == 1), "0")
    if kind in ("time", "microtime"):
        return _time(_bytes(wire.value), micro=kind == "microtime")
    if kind == "int-or-string":
        parts = {f.number: f.value for f in _fields(_bytes(wire.value))}
        return _text(parts.get(3, b"")) if parts.get(1) else _signed(parts.get(2, 0))
    if kind == "strings":  # a message with one repeated string (ExtraValue)
        return [_text(f.value) for f in _fields(_bytes(wire.value))]
    return _message(kind, _bytes(wire.value))


def _time(data: bytes, *, micro: bool) -> str | None:
    parts = {f.number: f.value for f in _fields(data)}
    seconds = _signed(parts.get(1, 0))
    if not seconds:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    if micro:
        moment = moment.replace(microsecond=_signed(parts.get(2, 0)) // 1000)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _fields(data: bytes) -> Iterator[_Wire]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield _Wire(number, kind, value)
        elif kind == 2:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise ProtobufError("unexpected end of the message")
            yield _Wire(number, kind, data[at : at + size])
            at += size
        elif kind in (1, 5):
            width = 8 if kind == 1 else 4
            yield _Wire(number, kind, data[at : at + width])
            at += width
        else:
            raise ProtobufError(f"wire type {kind} is not used")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ProtobufError("unexpected end of the message")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ProtobufError("a number where a message belongs")
    return value


def _text(value: int | bytes) -> str:
    return _bytes(value).decode("utf-8", "replace")


def _signed(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ProtobufError("bytes where a number belongs")
    return value - (1 << 64) if value >= 1 << 63 else value
