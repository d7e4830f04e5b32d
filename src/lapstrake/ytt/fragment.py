"""Document trees as Starlark sees them (``yamlfragment``), structs, and the way between the two worlds."""

from __future__ import annotations

from types import FunctionType

from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import (
    ABSENT,
    Builtin,
    StarlarkSet,
    Value,
    equal,
    key_of,
    keys_of,
    string_bytes,
    string_of,
    to_repr,
    type_name,
    value_of,
)
from lapstrake.yamldoc.nodes import Array, ArrayItem, Document, DocumentSet, Map, MapItem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from typing import Any

    from lapstrake.yamldoc.nodes import Node


_SEARCHED = 16
"""Up to how many items a map is looked through for a key one by one."""


class Fragment(Value):
    """A node of a document tree: a Map, an Array or a DocumentSet. Read only."""

    __slots__ = ("_by_key", "node")

    def __init__(self, node: Map | Array | DocumentSet) -> None:
        self.node = node
        self._by_key: tuple[list[MapItem], int, dict[str, MapItem]] | None = None

    def __bool__(self) -> bool:
        return bool(self.node.items)

    def type_name(self) -> str:
        return "yamlfragment"

    def text(self) -> str:
        return "yamlfragment(...)"

    def index(self, key: Any) -> Any:
        node = self.node
        if type(node) is Map:
            if type(key) is str and len(node.items) > _SEARCHED:
                item = self._indexed(node.items).get(key)
                if item is not None:
                    return to_starlark(item.value)
            else:
                for item in node.items:
                    if equal(_scalar(item.key), key):
                        return to_starlark(item.value)
            raise EvalError(f"key {to_repr(key)} not in yamlfragment")
        if type(key) is not int:
            kind = "array" if type(node) is Array else "document set"
            raise EvalError(
                f"yamlfragment.Get: Expected {kind} index to be an int64, but was {type_name(key)}"
            )
        if not 0 <= key < len(node.items):
            raise EvalError(f"key {key} not in yamlfragment")
        return to_starlark(node.items[key].value)

    def _indexed(self, items: list[MapItem]) -> dict[str, MapItem]:
        """The items of a large map by key; a map that has got other items since is looked through anew."""
        known = self._by_key
        if known is None or known[0] is not items or known[1] != len(items):
            by_key: dict[str, MapItem] = {}
            for item in items:
                key = _scalar(item.key)
                if type(key) is str:
                    by_key.setdefault(key, item)
            known = self._by_key = (items, len(items), by_key)
        return known[2]

    def set_index(self, key: Any, value: Any) -> None:
        raise EvalError("yamlfragment.SetKey: Not implemented")

    def length(self) -> int:
        return len(self.node.items)

    def iterate(self) -> Iterator[Any]:
        node = self.node
        if type(node) is Map:
            return iter([_scalar(item.key) for item in node.items])
        return iter([to_starlark(item.value) for item in node.items])

    def entries_of(self) -> Iterator[tuple[Any, Any]] | None:
        node = self.node
        if type(node) is not Map:
            return None
        return iter([(_scalar(item.key), to_starlark(item.value)) for item in node.items])

    def contains(self, item: Any) -> bool:
        if type(self.node) is Map:
            return any(equal(key, item) for key in self.iterate())
        return type(item) is int and 0 <= item < len(self.node.items)


class Struct(Value):
    """Named values; ``fields`` in order. ``kind`` is the type's name (struct, module, library, ...)."""

    __slots__ = ("fields", "kind", "label")

    def __init__(self, fields: dict[str, Any], kind: str = "struct", label: str = "") -> None:
        self.fields = fields
        self.kind = kind
        self.label = label

    def __bool__(self) -> bool:
        return bool(self.fields) or self.kind != "struct"

    def type_name(self) -> str:
        return self.kind

    def text(self) -> str:
        return f'<module "{self.label}">' if self.kind == "module" else f"{self.kind}(...)"

    def attr(self, name: str) -> Any:
        return self.fields.get(name, ABSENT)

    def attr_names(self) -> Sequence[str]:
        return sorted(self.fields)

    def index(self, key: Any) -> Any:
        if self.kind != "struct":
            return super().index(key)
        if type(key) is not str:
            raise EvalError(f"expected a string, but was {type_name(key)}")
        if key not in self.fields:
            raise EvalError(f"key {to_repr(key)} not in struct")
        return self.fields[key]

    def length(self) -> int | None:
        return len(self.fields) if self.kind == "struct" else None

    def iterate(self) -> Iterator[Any] | None:
        return iter(list(self.fields)) if self.kind == "struct" else None

    def entries_of(self) -> Iterator[tuple[Any, Any]] | None:
        return iter(list(self.fields.items())) if self.kind == "struct" else None

    def contains(self, item: Any) -> bool | None:
        return item in self.fields if self.kind == "struct" and type(item) is str else None

    def children(self) -> Iterable[Any]:
        return self.fields.values()


class Opaque(Value):
    """A value of the modules that cannot be put out; ``refusal`` says so, and what to do instead."""

    __slots__ = ("fields", "kind", "refusal")

    def __init__(self, kind: str, fields: dict[str, Any], refusal: str = "does not encode") -> None:
        self.kind = kind
        self.fields = fields
        self.refusal = refusal

    def type_name(self) -> str:
        return self.kind

    def text(self) -> str:
        return f"{self.kind}(...)"

    def attr(self, name: str) -> Any:
        return self.fields.get(name, ABSENT)

    def attr_names(self) -> Sequence[str]:
        return sorted(self.fields)


def _scalar(value: Any) -> Any:
    return string_of(value) if type(value) is bytes else value


def to_starlark(value: Any) -> Any:
    """A value of a tree as Starlark sees it: a scalar as it is, a collection as a fragment of it."""
    kind = type(value)
    if kind is Map or kind is Array or kind is DocumentSet:
        return Fragment(value)
    if kind is Document:
        return to_starlark(value.value)
    return _scalar(value)


def struct_of(value: Any) -> Any:
    """A value of a tree as data values appear: maps as structs, arrays as lists."""
    kind = type(value)
    if kind is Map:
        return Struct({str(_scalar(item.key)): struct_of(item.value) for item in value.items})
    if kind is Array:
        return [struct_of(item.value) for item in value.items]
    return _scalar(value)


def native_of(value: Any) -> Any:
    """A value of a tree as dicts and lists of Starlark's own."""
    kind = type(value)
    if kind is Map:
        return {key_of(_scalar(item.key)): native_of(item.value) for item in value.items}
    if kind is Array or kind is DocumentSet:
        return [native_of(item.value) for item in value.items]
    return _scalar(value)


MAX_DEPTH = 500
MAX_NODES = 500_000
"""How large a computed value may be; shared parts count each time, and one that contains itself has no end."""


def to_tree(value: Any) -> Any:
    """A Starlark value as a value of a tree; a fragment gives the very node that it shows.

    Raises EvalError for values that have no such form.
    """
    return _Conversion().tree(value, 0)


class _Conversion:
    __slots__ = ("nodes",)

    def __init__(self) -> None:
        self.nodes = 0

    def tree(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            if len(value) > 100:
                self._count(len(value) // 100)
            return value if value.isascii() or not _has_stray_bytes(value) else string_bytes(value)
        if kind is int or kind is float or kind is bool or value is None:
            return value
        if depth > MAX_DEPTH:
            raise EvalError("value is nested too deeply")
        if kind is dict:
            return self._map([(value_of(key), item) for key, item in value.items()], depth + 1)
        if kind is list or kind is tuple or kind is range:
            return self._array(value, depth + 1)
        if kind is Fragment:
            return value.node
        if kind is Struct and value.kind == "struct":
            return self._map(value.fields.items(), depth + 1)
        if kind is StarlarkSet:
            return self._array(keys_of(value.entries), depth + 1)
        if isinstance(value, Opaque):
            raise EvalError(f"Unable to convert value: {value.kind} {value.refusal}")
        raise EvalError(f"unknown type {go_type(value)} for conversion to go value")

    def _map(self, pairs: Collection[tuple[Any, Any]], depth: int) -> Map:
        self._count(len(pairs))
        made = Map([])
        for key, item in pairs:
            made.items.append(MapItem(self.tree(key, depth), self.tree(item, depth)))
        return made

    def _array(self, values: Collection[Any], depth: int) -> Array:
        self._count(len(values))
        made = Array([])
        for item in values:
            made.items.append(ArrayItem(self.tree(item, depth)))
        return made

    def _count(self, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise EvalError(f"value is too large (more than {MAX_NODES} nodes)")


def _has_stray_bytes(text: str) -> bool:
    return any("\udc80" <= char <= "\udcff" for char in text)


_GO_TYPES: dict[type, str] = {
    bool: "starlark.Bool",
    int: "starlark.Int",
    float: "starlark.Float",
    str: "starlark.String",
    type(None): "starlark.NoneType",
    list: "*starlark.List",
    tuple: "starlark.Tuple",
    dict: "*starlark.Dict",
    StarlarkSet: "*starlark.Set",
    FunctionType: "*starlark.Function",
    Builtin: "*starlark.Builtin",
    Fragment: "*yamlfragment.YAMLFragment",
    Struct: "*core.StarlarkStruct",
}


def go_type(value: Any) -> str:
    """The name that ytt's messages give the type of a Starlark value."""
    return _GO_TYPES.get(type(value)) or f"*starlark.{type_name(value).capitalize()}"


def node_kind(node: Node) -> str:
    """What messages call a node."""
    return {
        DocumentSet: "document set",
        Document: "document",
        Map: "map",
        MapItem: "map item",
        Array: "array",
        ArrayItem: "array item",
    }[type(node)]
