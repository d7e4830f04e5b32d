"""Reads the protobuf bodies that kubectl sends for ``create configmap``, ``create deployment``, reviews, ...

Such a body is the four bytes ``k8s\\0`` and an envelope (runtime.Unknown: type, raw message). Field numbers
come from the table of the built-in kinds; the result is what the same object in JSON would have been, with
zero values left in or out as the sender wrote them (decoding.py settles that).
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from lapstrake.apiserver.builtin import definition_of, definition_row

MAGIC = b"k8s\x00"
_DEEPEST = 64


class ProtobufError(ValueError):
    """The bytes are no object that can be read."""


def decode(body: bytes) -> dict[str, Any]:
    """The object in the envelope; raises :class:`ProtobufError`."""
    if not body.startswith(MAGIC):
        raise ProtobufError("the body does not start with the protobuf prefix")
    api_version = kind = ""
    raw = b""
    for number, _, value in _fields(body[len(MAGIC) :]):
        if number == 1 and isinstance(value, bytes):
            head = {field: _text(part) for field, _, part in _fields(value)}
            api_version, kind = head.get(1, ""), head.get(2, "")
        elif number == 2 and isinstance(value, bytes):
            raw = value
    definition = definition_of(api_version, kind)
    if definition is None:
        raise ProtobufError(f'no kind "{kind}" is registered for version "{api_version}"')
    return {"apiVersion": api_version, "kind": kind, **_message(definition, raw, 0)}


def _fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Number, wire type and value of every field in turn."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        value: int | bytes
        if wire == 0:
            value, at = _varint(data, at)
        elif wire == 2:
            size, at = _varint(data, at)
            value, at = _take(data, at, size)
        elif wire in (1, 5):
            value, at = _take(data, at, 8 if wire == 1 else 4)
        else:
            raise ProtobufError(f"wire type {wire} is not used")
        yield number, wire, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ProtobufError("unexpected EOF")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _take(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    if at + size > len(data):
        raise ProtobufError("unexpected EOF")
    return data[at : at + size], at + size


@cache
def _numbers(definition: str) -> tuple[Mapping[int, tuple[str, str, bool]], Mapping[int, Mapping[str, Any]]]:
    """Field number → (member, type, wrapped); number → inlined message."""
    row = definition_row(definition)
    members = {
        field[0]: (member, field[1], len(field) > 2 and "w" in field[2])
        for member, field in row.get("f", {}).items()
        if field[0]
    }
    return members, dict(row.get("i", ()))


def _message(definition: str, data: bytes, depth: int) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise ProtobufError("the message is nested too deeply")
    members, inlined = _numbers(definition)
    types = {member: field[1] for member, field in definition_row(definition).get("f", {}).items()}
    found: dict[str, Any] = {}
    for number, _, value in _fields(data):
        if number in members:
            member, written, wrapped = members[number]
            _store(found, member, written, value, wrapped, depth)
        elif number in inlined and isinstance(value, bytes):
            _inline(found, inlined[number], types, value, depth)
    return found


def _inline(
    found: dict[str, Any], layout: Mapping[str, Any], types: Mapping[str, str], data: bytes, depth: int
) -> None:
    """Members of a message of its own that JSON writes into the object around it."""
    members = {number: member for member, number in layout.items() if not member.startswith("#")}
    deeper = {int(key[1:]): inner for key, inner in layout.items() if key.startswith("#")}
    for number, _, value in _fields(data):
        if number in members:
            _store(found, members[number], types[members[number]], value, False, depth)
        elif number in deeper and isinstance(value, bytes):
            _inline(found, deeper[number], types, value, depth)


def _store(
    found: dict[str, Any], member: str, written: str, value: int | bytes, wrapped: bool, depth: int
) -> None:
    if written.startswith("{}"):
        key, entry = _map_entry(written[2:], value, wrapped, depth)
        found.setdefault(member, {})[key] = entry
    elif written.startswith("[]") and wrapped:
        found[member] = _wrapped(written[2:], value, depth)
    elif written.startswith("[]"):
        found.setdefault(member, []).append(_one(written[2:], value, depth))
    else:
        found[member] = _one(written, value, depth)


def _map_entry(written: str, value: int | bytes, wrapped: bool, depth: int) -> tuple[str, Any]:
    key, entry = "", None
    for number, _, part in _fields(_bytes(value)):
        if number == 1:
            key = _text(part)
        elif number == 2:
            entry = _wrapped(written[2:], part, depth) if wrapped else _one(written, part, depth)
    if entry is None:
        entry = _one(written, b"", depth) if not wrapped else []
    return key, entry


def _wrapped(written: str, value: int | bytes, depth: int) -> list[Any]:
    """A list inside a message of its own, ``items`` = 1: protobuf has no lists of lists."""
    return [_one(written, part, depth) for number, _, part in _fields(_bytes(value)) if number == 1]


def _one(written: str, value: int | bytes, depth: int) -> Any:
    if written.startswith("@"):
        return _message(written[1:], _bytes(value), depth + 1)
    if written == "string":
        return _text(value)
    if written in ("int32", "int64"):
        return _signed(value)
    if written == "boolean":
        return bool(value)
    if written == "double":
        return struct.unpack("<d", _bytes(value))[0] if value else 0.0
    return _special(written, _bytes(value))


def _special(written: str, data: bytes) -> Any:
    """Types with a JSON form of their own."""
    if written == "bytes":
        return base64.b64encode(data).decode()
    parts = {number: value for number, _, value in _fields(data)}
    if written == "quantity":
        return _text(parts.get(1, b"0"))
    if written == "int-or-string":
        return _text(parts.get(3, b"")) if parts.get(1) else _signed(parts.get(2, 0))
    if written in ("time", "micro-time"):
        return _time(_signed(parts.get(1, 0)), _signed(parts.get(2, 0)), written) if data else None
    if written == "duration":
        return f"{_signed(parts.get(1, 0)) / 1e9:g}s"
    raw = parts.get(1, b"null")
    try:
        return json.loads(_bytes(raw) or b"null")
    except ValueError as error:
        raise ProtobufError(f"embedded JSON: {error}") from error


def _time(seconds: int, nanos: int, written: str) -> str | None:
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError:
        return None
    timespec = "seconds" if written == "time" else "microseconds"
    return moment.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def _signed(value: int | bytes) -> int:
    """Negative numbers are sent as ten-byte two's complement."""
    if isinstance(value, bytes):
        raise ProtobufError("a number was expected")
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ProtobufError("a message was expected")
    return value


def _text(value: int | bytes) -> str:
    try:
        return _bytes(value).decode()
    except UnicodeDecodeError as error:
        raise ProtobufError("a string is not UTF-8") from error
