"""Whether a value fits a schema, in the words of server-side apply: unknown fields and wrong types are errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from lapstrake.apiserver.field_sets import element_key
from lapstrake.apiserver.schema import MISSING, Schema

_WORDS = {"integer": "numeric (int or float)", "number": "numeric (int or float)"}


def complaints(schema: Schema, value: Any, path: str = "") -> Iterator[str]:
    """One text per field that does not fit; the path comes first: ``.data.a: expected string, got ...``."""
    if value is None:
        return
    if schema.type == "array":
        yield from _list(schema, value, path)
    elif schema.type == "object" or schema.properties or schema.additional is not None:
        yield from _map(schema, value, path)
    elif not _fits(schema, value):
        yield f"{path}: expected {_WORDS.get(schema.type, schema.type)}, got {_shown(value)}"


def _map(schema: Schema, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: expected map, got {_plain(value)}"
        return
    for key, member in value.items():
        child = schema.child(key)
        if child is not None:
            yield from complaints(child, member, f"{path}.{key}")
        elif not schema.preserve_unknown and (path or key not in ("apiVersion", "kind")):
            yield f"{path}.{key}: field not declared in schema"


def _list(schema: Schema, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: expected list, got {_plain(value)}"
        return
    seen = set()
    for index, item in enumerate(value):
        if schema.list_type == "map" and isinstance(item, Mapping):
            if not _has_key(schema, item):
                keys = " ".join(f'"{key}"' for key in schema.list_map_keys)
                yield (
                    f"{path}: element {index}: associative list with keys has an element that omits all key "
                    f"fields [{keys}] (and doesn't have default values for any key fields)"
                )
                continue
            identity = _identity(schema, item)
            if identity in seen:
                yield f"{path}: duplicate entries for key {identity}"
            seen.add(identity)
        if schema.items is not None:
            yield from complaints(schema.items, item, f"{path}[{index}]")


def _has_key(schema: Schema, item: Mapping[str, Any]) -> bool:
    properties = schema.items.properties if schema.items is not None else {}
    defaults = [key for key in schema.list_map_keys if key in properties]
    return any(key in item for key in schema.list_map_keys) or any(
        properties[key].default is not MISSING for key in defaults
    )


def _identity(schema: Schema, item: Mapping[str, Any]) -> str:
    keys = orjson.loads(element_key(schema, item)[2:])
    return "[" + ",".join(f"{key}={orjson.dumps(value).decode()}" for key, value in keys.items()) + "]"


def _fits(schema: Schema, value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if schema.int_or_string:
        return number or isinstance(value, str)
    expected = schema.type
    if expected == "string":
        return isinstance(value, str)
    if expected == "boolean":
        return isinstance(value, bool)
    return number if expected in ("integer", "number") else True


def _plain(value: Any) -> str:
    return "&{" + (str(value).lower() if isinstance(value, bool) else str(value)) + "}"


def _shown(value: Any) -> str:
    text = orjson.dumps(value).decode()
    if isinstance(value, list):
        text = "[]interface {}{" + text[1:-1] + "}"
    elif isinstance(value, Mapping):
        text = "map[string]interface {}" + text
    return "&value.valueUnstructured{Value:" + text + "}"
