"""Strategic merge patch: lists of built-in kinds merge by key, and directives say more than values can.

Rules: facts/kube-api.md section 4, recorded in vectors/kube/patch and vectors/kube/apply-client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lapstrake.apiserver.jsontext import go_value
from lapstrake.apiserver.schema import ANYTHING, Schema
from lapstrake.apiserver.status import internal

_DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE_VALUES = "$deleteFromPrimitiveList/"


def merge(live: Mapping[str, Any], patch: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """A new object: ``live`` with ``patch`` merged in. Raises ApiError for directives that do not exist."""
    directive = patch.get(_DIRECTIVE)
    if directive == "replace":
        return {key: _plain(value) for key, value in patch.items() if value is not None and key[:1] != "$"}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise internal(f"unknown patch type: {directive} in map: {go_value(dict(patch))}")
    merged = _retained(live, patch)
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        child = schema.child(key) or ANYTHING
        if value is None:
            merged.pop(key, None)
        elif key in merged:
            order = patch.get(_ORDER + key)
            merged[key] = _merged_value(merged[key], value, child, order)
        else:
            merged[key] = _plain(value)
    _apply_list_directives(merged, patch, schema)
    return merged


def _retained(live: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    keys = patch.get(_RETAIN)
    if not isinstance(keys, list):
        return dict(live)
    return {key: value for key, value in live.items() if key in keys}


def _apply_list_directives(merged: dict[str, Any], patch: Mapping[str, Any], schema: Schema) -> None:
    """Directives that stand beside the list they are about."""
    for directive, value in patch.items():
        if directive.startswith(_DELETE_VALUES):
            key = directive.removeprefix(_DELETE_VALUES)
            if isinstance(merged.get(key), list):
                merged[key] = [item for item in merged[key] if item not in value]
        elif directive.startswith(_ORDER):
            key = directive.removeprefix(_ORDER)
            child = schema.child(key) or ANYTHING
            if key not in patch and isinstance(merged.get(key), list):
                merged[key] = _ordered(merged[key], value, merged[key], child.patch_merge_key)


def _merged_value(live: Any, patch: Any, schema: Schema, order: Any) -> Any:
    if isinstance(live, Mapping) and isinstance(patch, Mapping):
        if "replace" in schema.patch_strategy:
            return _plain(patch)
        return merge(live, patch, schema)
    if isinstance(live, list) and isinstance(patch, list) and "merge" in schema.patch_strategy:
        if schema.patch_merge_key:
            return _merged_list(live, patch, schema, order)
        return _merged_set(live, patch, order)
    return _plain(patch)


def _merged_set(live: list[Any], patch: list[Any], order: Any) -> list[Any]:
    together = live + [item for at, item in enumerate(patch) if item not in live and item not in patch[:at]]
    return _ordered(together, order if isinstance(order, list) else patch, live, "")


def _merged_list(live: list[Any], patch: list[Any], schema: Schema, order: Any) -> list[Any]:
    key = schema.patch_merge_key
    items = schema.items or ANYTHING
    directives = [item.get(_DIRECTIVE) for item in patch if isinstance(item, Mapping)]
    if "replace" in directives:
        return [_plain(item) for item in patch if item.get(_DIRECTIVE) != "replace"]
    result = list(live)
    kept = []
    for item in patch:
        if not isinstance(item, Mapping) or (key not in item and _DIRECTIVE not in item):
            raise internal(f"map: {go_value(item)} does not contain declared merge key: {key}")
        directive = item.get(_DIRECTIVE)
        if directive == "delete":
            result = [entry for entry in result if entry.get(key) != item.get(key)]
            continue
        if directive not in (None, "merge"):
            raise internal(f"unknown patch type: {directive} in map: {go_value(dict(item))}")
        kept.append(item)
        at = next((index for index, entry in enumerate(result) if entry.get(key) == item[key]), None)
        if at is None:
            result.append(_plain(item))
        else:
            result[at] = merge(result[at], item, items)
    return _ordered(result, order if isinstance(order, list) else kept, live, key)


def _ordered(items: list[Any], wanted: Sequence[Any], live: Sequence[Any], key: str) -> list[Any]:
    """The items in the wanted order; those that only the server knows keep their place relative to it."""

    def identity(item: Any) -> Any:
        found = item.get(key) if key and isinstance(item, Mapping) else item
        # A key of a wrong type is refused later, when the result is read as an object of its kind.
        return found if found is None or isinstance(found, str | int | float) else repr(found)

    ranks = _first_places([identity(item) for item in wanted])
    places = _first_places([identity(item) for item in live])
    listed = sorted(
        (item for item in items if identity(item) in ranks), key=lambda item: ranks[identity(item)]
    )
    rest = [item for item in items if identity(item) not in ranks]
    result: list[Any] = []
    for item in listed:
        place = places.get(identity(item), -1)
        while rest and place >= 0 and places.get(identity(rest[0]), len(places)) < place:
            result.append(rest.pop(0))
        result.append(item)
    return result + rest


def _first_places(identities: Sequence[Any]) -> dict[Any, int]:
    places: dict[Any, int] = {}
    for place, identity in enumerate(identities):
        places.setdefault(identity, place)
    return places


def _plain(value: Any) -> Any:
    """A part of the patch that nothing stands against: without directives and without nulls."""
    if isinstance(value, Mapping):
        return {
            key: _plain(member)
            for key, member in value.items()
            if member is not None and not key.startswith("$")
        }
    if isinstance(value, list):
        items = [item for item in value if not _is_directive(item)]
        return [_plain(item) for item in items]
    return value


def _is_directive(item: Any) -> bool:
    return isinstance(item, Mapping) and item.get(_DIRECTIVE) in ("delete", "replace")
