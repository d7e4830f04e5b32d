"""The patches that are computed from the live object: JSON patch, merge patch, strategic merge patch.

Server-side apply is not among them; it belongs to the ownership of fields (apply.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from lapstrake.apiserver import status, strategic
from lapstrake.apiserver.jsontext import JsonError, parse, type_word
from lapstrake.apiserver.schema import Schema

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

_MOST_OPERATIONS = 10_000
_MOST_COPIED = 3 * 1024 * 1024


def apply_patch(
    content_type: str, live: Mapping[str, Any], patch: bytes, schema: Schema | None
) -> dict[str, Any]:
    """A new object; ``schema`` None: the kind has no strategic merge. Raises ApiError."""
    if content_type == JSON_PATCH:
        return json_patch(live, patch)
    if content_type == MERGE_PATCH:
        merged = merge_patch(live, _document(patch, "error decoding patch: "))
        return dict(merged)
    if content_type == STRATEGIC_PATCH and schema is not None:
        return strategic.merge(live, _document(patch, ""), schema)
    accepted = [JSON_PATCH, MERGE_PATCH, APPLY_PATCH]
    if schema is not None:
        accepted.insert(2, STRATEGIC_PATCH)
    raise status.unsupported_media_type(accepted)


def _document(patch: bytes, prefix: str) -> dict[str, Any]:
    try:
        document = parse(patch)
    except JsonError as error:
        raise status.bad_request(f"{prefix}{error}") from None
    if not isinstance(document, dict):
        text = f"json: cannot unmarshal {type_word(document)} into Go value of type map[string]interface {{}}"
        raise status.bad_request(f"{prefix}{text}")
    return document


def merge_patch(live: Any, patch: Any) -> Any:
    """RFC 7386: maps merge, null deletes, all else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(live) if isinstance(live, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


class _Refused(Exception):
    """An operation cannot be carried out."""


def json_patch(live: Mapping[str, Any], patch: bytes) -> dict[str, Any]:
    """RFC 6902, with two liberties of the real server: ``replace`` may add a member, and all tests count alike."""
    operations = _operations(patch)
    document: Any = orjson.loads(orjson.dumps(live))
    copied = 0
    try:
        for operation in operations:
            document, size = _operate(document, operation)
            copied += size
            if copied > _MOST_COPIED:
                raise _Refused
    except (_Refused, RecursionError):
        text = "the server rejected our request due to an error in our request"
        raise status.ApiError(422, "Invalid", text, {}) from None
    return dict(document) if isinstance(document, Mapping) else {}


def _operations(patch: bytes) -> list[Mapping[str, Any]]:
    try:
        operations = parse(patch)
    except JsonError as error:
        raise status.bad_request(f"error decoding patch: {error}") from None
    if not isinstance(operations, list):
        text = f"json: cannot unmarshal {type_word(operations)} into Go value of type []handlers.jsonPatchOp"
        raise status.bad_request(f"error decoding patch: {text}")
    if len(operations) > _MOST_OPERATIONS:
        text = f"The allowed maximum operations in a JSON patch is {_MOST_OPERATIONS}, got {len(operations)}"
        raise status.ApiError(413, "RequestEntityTooLarge", text, {})
    for operation in operations:
        if not isinstance(operation, dict):
            text = f"json: cannot unmarshal {type_word(operation)} into Go value of type handlers.jsonPatchOp"
            raise status.bad_request(f"error decoding patch: {text}")
    return operations


def _operate(document: Any, operation: Mapping[str, Any]) -> tuple[Any, int]:
    """The document after one operation and the bytes that it copied."""
    name = operation.get("op")
    path = _pointer(operation.get("path"))
    if name == "test":
        if _get(document, path, missing_is_null=True) != operation.get("value"):
            raise _Refused
        return document, 0
    if name in ("add", "replace"):
        if "value" not in operation:
            raise _Refused
        return _put(document, path, operation["value"], insert=name == "add"), 0
    if name == "remove":
        return _remove(document, path), 0
    if name in ("move", "copy"):
        source = _pointer(operation.get("from"))
        encoded = orjson.dumps(_get(document, source))
        if name == "move":
            document = _remove(document, source)
        return _put(document, path, orjson.loads(encoded), insert=True), len(encoded)
    raise _Refused


def _pointer(written: Any) -> list[str]:
    if not isinstance(written, str) or (written and not written.startswith("/")):
        raise _Refused
    return [part.replace("~1", "/").replace("~0", "~") for part in written.split("/")[1:]]


def _index(part: str, length: int) -> int:
    """A place in a list; "-" is the one behind the last."""
    if part == "-":
        return length
    if not part.isdigit() or int(part) > length:
        raise _Refused
    return int(part)


def _get(document: Any, path: list[str], *, missing_is_null: bool = False) -> Any:
    for at, part in enumerate(path):
        if isinstance(document, dict):
            if part not in document:
                if missing_is_null and at == len(path) - 1:
                    return None
                raise _Refused
            document = document[part]
        elif isinstance(document, list):
            index = _index(part, len(document))
            if index >= len(document):
                raise _Refused
            document = document[index]
        else:
            raise _Refused
    return document


def _put(document: Any, path: list[str], value: Any, *, insert: bool) -> Any:
    if not path:
        return value
    holder = _get(document, path[:-1])
    if isinstance(holder, dict):
        holder[path[-1]] = value
    elif isinstance(holder, list):
        index = _index(path[-1], len(holder))
        if insert:
            holder.insert(index, value)
        elif index < len(holder):
            holder[index] = value
        else:
            raise _Refused
    else:
        raise _Refused
    return document


def _remove(document: Any, path: list[str]) -> Any:
    if not path:
        raise _Refused
    holder = _get(document, path[:-1])
    if isinstance(holder, dict) and path[-1] in holder:
        del holder[path[-1]]
    elif isinstance(holder, list) and _index(path[-1], len(holder)) < len(holder):
        del holder[_index(path[-1], len(holder))]
    else:
        raise _Refused
    return document
