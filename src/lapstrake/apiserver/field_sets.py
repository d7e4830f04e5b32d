"""Sets of field paths: which fields an object has, and in which two objects differ.

A path is a tuple of the elements that FieldsV1 uses: ``("f:spec", "f:ports", 'k:{"port":80}', "f:name")``.
What is one field depends on the schema: atomic lists and maps are, granular ones have paths below them.
Rules: facts/kube-api.md section 3, recorded in vectors/kube/apply-server.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from lapstrake.apiserver.schema import ANYTHING, MISSING, Schema

Path = tuple[str, ...]
Fields = frozenset[Path]

_SYSTEM_METADATA = frozenset(
    [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "selfLink",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
    ]
)
"""Metadata that nobody owns."""


def ownable(obj: Mapping[str, Any]) -> dict[str, Any]:
    """The object without what nobody can own."""
    kept = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata")}
    metadata = obj.get("metadata") or {}
    owned = {key: value for key, value in metadata.items() if key not in _SYSTEM_METADATA}
    if owned:
        kept["metadata"] = owned
    return kept


def decode(fields: Mapping[str, Any]) -> Fields:
    """Reads FieldsV1. A dot stands for the element that holds it, an empty map for a path that ends here."""
    return frozenset(_decoded(fields, ()))


def _decoded(fields: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for element, below in fields.items():
        if element == ".":
            yield path
        elif below and isinstance(below, Mapping):
            yield from _decoded(below, (*path, element))
        else:
            yield (*path, element)


def encode(fields: Iterable[Path]) -> dict[str, Any]:
    """Writes FieldsV1; the inverse of :func:`decode`."""
    tree: dict[str, Any] = {}
    for path in sorted(fields):
        node = tree
        for element in path[:-1]:
            node = node.setdefault(element, {})
        node.setdefault(path[-1], {})[""] = True
    return _dotted(tree)


def _dotted(tree: dict[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for element, below in tree.items():
        if element == "":
            if len(tree) > 1:
                written["."] = {}
        else:
            written[element] = _dotted(below)
    return written


def text(path: Path) -> str:
    """A path as messages print it: ``.spec.items[id="x"].v``."""
    parts = []
    for element in path:
        kind, rest = element[0], element[2:]
        if kind == "f":
            parts.append(f".{rest}")
        elif kind == "k":
            keys = orjson.loads(rest)
            parts.append("[" + ",".join(f"{key}={_json(value)}" for key, value in keys.items()) + "]")
        else:
            parts.append(f"[={rest}]" if kind == "v" else f"[{rest}]")
    return "".join(parts)


def in_order(fields: Iterable[Path]) -> list[Path]:
    """As sets are walked: what ends at a level before what lies below it, each by name."""
    found = set(fields)

    def below(prefix: Path, members: list[Path]) -> list[Path]:
        depth = len(prefix)
        ends = sorted(path for path in members if len(path) == depth + 1)
        deeper: dict[str, list[Path]] = {}
        for path in members:
            if len(path) > depth + 1:
                deeper.setdefault(path[depth], []).append(path)
        return ends + [path for key in sorted(deeper) for path in below((*prefix, key), deeper[key])]

    return below((), list(found))


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def is_granular(schema: Schema, value: Any) -> bool:
    """Whether the value has fields of its own. Undescribed maps have, undescribed lists have not."""
    if isinstance(value, Mapping):
        return schema.map_type != "atomic"
    return isinstance(value, list) and schema.list_type in ("map", "set")


def element_key(schema: Schema, item: Any) -> str:
    """The path element of an item of a list of type map or set; missing keys count with their default."""
    if schema.list_type == "set" or not isinstance(item, Mapping):
        return "v:" + _json(item)
    items = schema.items or ANYTHING
    keys = {}
    for key in schema.list_map_keys:
        value = item.get(key, MISSING)
        if value is MISSING:
            described = items.properties.get(key)
            value = described.default if described is not None else MISSING
        if value is not MISSING:
            keys[key] = value
    return "k:" + _json(keys)


def children(schema: Schema, value: Any) -> Iterator[tuple[str, Schema, Any]]:
    """Element, schema and value of everything directly below a granular value."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield f"f:{key}", schema.child(key) or ANYTHING, member
    else:
        items = schema.items or ANYTHING
        for item in value:
            yield element_key(schema, item), items, item


def fields_of(schema: Schema, value: Any, path: Path = ()) -> Fields:
    """What somebody who applies the value owns: its leaves, and the elements of its lists by their keys."""
    return frozenset(_leaves(schema, value, path))


def _leaves(schema: Schema, value: Any, path: Path) -> Iterator[Path]:
    if not value or not is_granular(schema, value):
        if path:
            yield path
        return
    for element, child, member in children(schema, value):
        below = (*path, element)
        if element[0] == "k":
            yield below
        if element[0] == "v":
            yield below
        else:
            yield from _leaves(child, member, below)


def all_paths(schema: Schema, value: Any, path: Path = ()) -> Iterator[Path]:
    """The value's path and those of everything in it."""
    if path:
        yield path
    if value and is_granular(schema, value):
        for element, child, member in children(schema, value):
            yield from all_paths(child, member, (*path, element))


@dataclass(slots=True)
class Comparison:
    """The paths in which a second value differs from a first."""

    added: set[Path]
    modified: set[Path]
    removed: set[Path]

    @property
    def same(self) -> bool:
        return not (self.added or self.modified or self.removed)


def compare(schema: Schema, old: Any, new: Any) -> Comparison:
    found = Comparison(set(), set(), set())
    _compare(schema, old, new, (), found)
    return found


def _compare(schema: Schema, old: Any, new: Any, path: Path, found: Comparison) -> None:
    if old == new and type(old) is type(new):
        return
    before = {} if old is None and is_granular(schema, new) else old
    after = {} if new is None and is_granular(schema, old) else new
    if not _comparable(schema, before, after):
        found.modified.add(path)
        return
    olds = {element: (child, member) for element, child, member in children(schema, before)}
    for element, child, member in children(schema, after):
        below = (*path, element)
        had = olds.pop(element, None)
        if had is None:
            found.added.update(all_paths(child, member, below))
        else:
            _compare(child, had[1], member, below, found)
    for element, (child, member) in olds.items():
        found.removed.update(all_paths(child, member, (*path, element)))


def _comparable(schema: Schema, old: Any, new: Any) -> bool:
    """Whether both are granular values of one kind; an empty stand-in for null is of either kind."""
    for one, other in ((old, new), (new, old)):
        if one == {} and isinstance(other, list):
            return is_granular(schema, other)
    same_kind = isinstance(old, Mapping) == isinstance(new, Mapping)
    return same_kind and is_granular(schema, old) and is_granular(schema, new)
