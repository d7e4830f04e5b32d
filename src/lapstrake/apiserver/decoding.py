"""From the JSON of a request to an object of a built-in kind, as the server keeps it.

Unknown members are reported and dropped, values of a wrong type are refused in the words of the server's
decoder, quantities and times take their canonical form, and what equals "not given" is left out.
Custom resources go through :func:`decode_custom`, which prunes by their structural schema instead.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lapstrake.apiserver import quantity
from lapstrake.apiserver.builtin import definition_schema
from lapstrake.apiserver.schema import Schema, drop_forbidden_nulls, prune
from lapstrake.apiserver.status import ApiError, bad_request


@dataclass(frozen=True, slots=True)
class Decoded:
    """The object, new, and the paths of unknown members in the order in which they were met."""

    object: dict[str, Any]
    unknown: tuple[str, ...] = ()


class DecodeError(ValueError):
    """The value cannot be of its kind; the text is the part of the message behind the last colon."""


def cannot_handle(kind: str, version: str, text: str, sent: str = "") -> ApiError:
    """400: the body is not an object of ``kind``; ``version`` without the group (``v1``).

    ``sent`` is the kind of the body, if it is another one.
    """
    return bad_request(f'{sent or kind} in version "{version}" cannot be handled as a {kind}: {text}')


def strict_text(unknown: tuple[str, ...], duplicate: tuple[str, ...] = ()) -> str:
    """What strict validation says of fields that are unknown or given twice."""
    texts = [f'duplicate field "{path}"' for path in duplicate]
    texts += [f'unknown field "{path}"' for path in unknown]
    return "strict decoding error: " + ", ".join(texts)


def decode(schema: Schema, obj: Mapping[str, Any]) -> Decoded:
    """Reads an object of a built-in kind; raises :class:`DecodeError`."""
    unknown: list[str] = []
    found = _object(schema, obj, _Place("", "", schema.name), unknown)
    for key in ("apiVersion", "kind"):
        if key in obj:
            found[key] = obj[key]
    return Decoded(found, tuple(unknown))


def decode_custom(schema: Schema, obj: Mapping[str, Any]) -> Decoded:
    """Reads a custom resource: metadata as for all kinds, the rest pruned by the schema of the kind."""
    unknown: list[str] = []
    found: dict[str, Any] = {}
    described = Schema(
        type="object",
        preserve_unknown=schema.preserve_unknown,
        properties={
            key: member
            for key, member in schema.properties.items()
            if key not in ("apiVersion", "kind", "metadata")
        },
        additional=schema.additional,
    )
    rest = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata")}
    for key in ("apiVersion", "kind"):
        if key in obj:
            found[key] = obj[key]
    metadata = definition_schema("meta.v1.ObjectMeta")
    place = _Place("metadata", "metadata", "ObjectMeta")
    found["metadata"] = _value(metadata, obj.get("metadata") or {}, place, unknown)
    found.update(drop_forbidden_nulls(schema, prune(described, rest, "", unknown)))
    return Decoded(found, tuple(sorted(unknown)))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands: with indices and keys, without them, and the structure that holds it."""

    path: str
    fields: str
    struct: str

    def member(self, key: str, struct: str) -> _Place:
        return _Place(
            f"{self.path}.{key}" if self.path else key, f"{self.fields}.{key}" if self.fields else key, struct
        )

    def entry(self, key: str) -> _Place:
        return _Place(f"{self.path}.{key}", self.fields, self.struct)

    def element(self, index: int) -> _Place:
        return _Place(f"{self.path}[{index}]", self.fields, self.struct)


def _value(schema: Schema, value: Any, place: _Place, unknown: list[str]) -> Any:
    if schema.type == "string":
        return _string(schema, value, place)
    if schema.properties:
        if not isinstance(value, Mapping):
            raise _mismatch(value, schema, place)
        return _object(schema, value, place, unknown)
    if schema.type == "array":
        return _list(schema, value, place, unknown)
    if schema.additional is not None:
        return _map(schema, value, place, unknown)
    if schema.type in ("integer", "number", "boolean"):
        return _scalar(schema, value, place)
    return value


def _object(schema: Schema, value: Mapping[str, Any], place: _Place, unknown: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    known = schema.properties
    for key, member in value.items():
        child = known.get(key)
        if child is None:
            if schema.preserve_unknown:
                found[key] = member
            elif key not in ("apiVersion", "kind") or place.path:
                unknown.append(f"{place.path}.{key}" if place.path else key)
            continue
        if member is None:
            continue
        decoded = _value(child, member, place.member(key, schema.name), unknown)
        if decoded or child.keeps_zero or (decoded == 0 and child.int_or_string):
            found[key] = decoded
    for key in _NULL_TIMES.get(schema.name, ()):
        found.setdefault(key, None)
    return found


_TRANSITION = ("lastTransitionTime",)
_NULL_TIMES = {
    "PodCondition": ("lastProbeTime", "lastTransitionTime"),
    "JobCondition": ("lastProbeTime", "lastTransitionTime"),
    "NodeCondition": ("lastHeartbeatTime", "lastTransitionTime"),
    "DeploymentCondition": ("lastUpdateTime", "lastTransitionTime"),
    "CertificateSigningRequestCondition": ("lastUpdateTime", "lastTransitionTime"),
    "ReplicaSetCondition": _TRANSITION,
    "ReplicationControllerCondition": _TRANSITION,
    "DaemonSetCondition": _TRANSITION,
    "StatefulSetCondition": _TRANSITION,
    "NamespaceCondition": _TRANSITION,
    "PersistentVolumeClaimCondition": ("lastProbeTime", "lastTransitionTime"),
    "HorizontalPodAutoscalerCondition": _TRANSITION,
    "CustomResourceDefinitionCondition": _TRANSITION,
    "APIServiceCondition": _TRANSITION,
    "ContainerStateRunning": ("startedAt",),
    "ContainerStateTerminated": ("startedAt", "finishedAt"),
}
"""Times that the server writes as null when they are not known."""


def _list(schema: Schema, value: Any, place: _Place, unknown: list[str]) -> list[Any]:
    if not isinstance(value, list):
        raise _mismatch(value, schema, place)
    items = schema.items
    if items is None:
        return value
    return [
        _value(items, _zero(items) if item is None else item, place.element(index), unknown)
        for index, item in enumerate(value)
    ]


def _map(schema: Schema, value: Any, place: _Place, unknown: list[str]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _mismatch(value, schema, place)
    inner = schema.additional
    if inner is None:
        return dict(value)
    return {
        key: _value(inner, _zero(inner) if member is None else member, place.entry(key), unknown)
        for key, member in value.items()
    }


def _zero(schema: Schema) -> Any:
    if schema.format == "quantity":
        return "0"
    return {"string": "", "integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}.get(
        schema.type
    )


def _scalar(schema: Schema, value: Any, place: _Place) -> Any:
    if schema.type == "boolean":
        if not isinstance(value, bool):
            raise _mismatch(value, schema, place)
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mismatch(value, schema, place)
    if schema.type == "number":
        return value
    bits = 31 if schema.format == "int32" else 63
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, float) or not -(1 << bits) <= value < 1 << bits:
        raise _mismatch(value, schema, place, shown=f"number {json.dumps(value)}")
    return value


def _string(schema: Schema, value: Any, place: _Place) -> Any:
    if not schema.format:
        if not isinstance(value, str):
            raise _mismatch(value, schema, place)
        return value
    return _formatted(schema, value, place)


def _formatted(schema: Schema, value: Any, place: _Place) -> Any:
    form = schema.format
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if form == "int-or-string":
        if isinstance(value, str) or (number and isinstance(value, int)):
            return value
        raise DecodeError(f"json: cannot unmarshal {_json_type(value)} into Go value of type int32")
    if form == "quantity":
        if not isinstance(value, str) and not number:
            raise DecodeError(quantity.WRONG_FORM)
        try:
            return quantity.canonical(value if isinstance(value, str) else json.dumps(value))
        except quantity.InvalidQuantity as error:
            raise DecodeError(str(error)) from error
    if not isinstance(value, str):
        raise _mismatch(value, schema, place)
    if form in ("date-time", "micro-time"):
        return _time(value, form)
    if form == "byte":
        _check_base64(value)
    return value


_TIME = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.(\d+))?(?:[Zz]|[+-]\d\d:\d\d)$")
_LAYOUT = {"date-time": "2006-01-02T15:04:05Z07:00", "micro-time": "2006-01-02T15:04:05.000000Z07:00"}


def _time(text: str, form: str) -> str | None:
    """RFC 3339 in UTC, with whole seconds or with microseconds; an empty text means: not given."""
    if not text:
        return None
    layout = _LAYOUT[form]
    if not _TIME.match(text):
        raise DecodeError(f'parsing time "{text}" as "{layout}": cannot parse "{text}" as "2006"')
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except ValueError as error:
        raise DecodeError(f'parsing time "{text}": {error}') from error
    timespec = "seconds" if form == "date-time" else "microseconds"
    return moment.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=\r\n]")


def _check_base64(text: str) -> None:
    found = _NOT_BASE64.search(text)
    if found is not None:
        raise DecodeError(f"illegal base64 data at input byte {found.start()}")
    try:
        binascii.a2b_base64(text, strict_mode=bool(text) and not set("\r\n") & set(text))
    except binascii.Error as error:
        padding = text.find("=")
        at = padding if padding >= 0 else len(text) - len(text) % 4
        raise DecodeError(f"illegal base64 data at input byte {at}") from error


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _mismatch(value: Any, schema: Schema, place: _Place, shown: str = "") -> DecodeError:
    where = f"{place.struct}.{place.fields}"
    return DecodeError(
        f"json: cannot unmarshal {shown or _json_type(value)} into Go struct field {where} of type {_go_type(schema)}"
    )


def _go_type(schema: Schema) -> str:
    """The type as the decoder names it: ``map[string]string``, ``[]v1.Container``, ``int32``."""
    if schema.properties:
        return f"v1.{schema.name}"
    if schema.type == "array":
        return "[]" + (_go_type(schema.items) if schema.items else "interface {}")
    if schema.additional is not None:
        return "map[string]" + _go_type(schema.additional)
    formats = {"int32": "int32", "int64": "int64", "byte": "[]uint8", "quantity": "resource.Quantity"}
    types = {"string": "string", "boolean": "bool", "number": "float64", "integer": "int64"}
    return formats.get(schema.format) or types.get(schema.type, "interface {}")


def duplicate_fields(body: bytes | str) -> tuple[str, ...]:
    """Paths of members that a JSON text gives more than once: ``data.a``. Empty if it is no JSON."""
    try:
        tree = json.loads(body, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return ()
    found: list[str] = []
    _collect_duplicates(tree, "", found)
    return tuple(dict.fromkeys(found))


class _Pairs(list[tuple[str, Any]]):
    """An object as a list of its members, told apart from an array."""


def _collect_duplicates(tree: Any, path: str, found: list[str]) -> None:
    if isinstance(tree, _Pairs):
        seen: set[str] = set()
        for key, member in tree:
            where = f"{path}.{key}" if path else key
            if key in seen:
                found.append(where)
            seen.add(key)
            _collect_duplicates(member, where, found)
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            _collect_duplicates(item, f"{path}[{index}]", found)
