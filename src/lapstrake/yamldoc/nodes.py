"""The tree of YAML documents: collections, their items, comments and annotations.

A value is a native scalar (``str``, ``int``, ``float``, ``bool``, ``None``, ``bytes`` for binary data),
a ``Map`` or an ``Array``. A ``Map`` keeps the order and, until somebody removes them, the duplicates
of its text. Everything on the render path is a plain class with slots, because building one must be cheap.
"""

from __future__ import annotations

from lapstrake.position import UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from lapstrake.position import Position

    Scalar: TypeAlias = str | int | float | bool | bytes | None
    Value: TypeAlias = Any  # Scalar | Map | Array, and whatever a template puts there while it is evaluated
    Collection: TypeAlias = "Map | Array"
    Item: TypeAlias = "Document | MapItem | ArrayItem"
    Node: TypeAlias = "DocumentSet | Document | Map | MapItem | Array | ArrayItem"


class Comment:
    """A comment: ``text`` is all that follows the ``#``."""

    __slots__ = ("position", "text")

    def __init__(self, text: str, position: Position) -> None:
        self.text = text
        self.position = position

    def __repr__(self) -> str:
        return f"Comment({self.text!r}, line {self.position.line})"


class Annotation:
    """An evaluated annotation ``#@name args, key=value`` of a node; ``position`` is its comment's."""

    __slots__ = ("args", "kwargs", "name", "position")

    def __init__(
        self,
        name: str,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        position: Position = UNKNOWN,
    ) -> None:
        self.name = name
        self.args = args
        self.kwargs = kwargs if kwargs is not None else {}
        self.position = position

    def __repr__(self) -> str:
        return f"Annotation({self.name!r}, {self.args!r}, {self.kwargs!r})"


class DocumentSet:
    """All documents of one source. ``comments`` are those that follow the last node."""

    __slots__ = ("annotations", "comments", "items", "meta", "position")

    def __init__(
        self,
        items: list[Document] | None = None,
        position: Position = UNKNOWN,
        comments: list[Comment] | None = None,
    ) -> None:
        self.items: list[Document] = items if items is not None else []
        self.position = position
        self.comments = comments
        self.annotations: dict[str, Annotation] | None = None
        self.meta: Any = None

    def deep_copy(self) -> DocumentSet:
        copy = DocumentSet([item.deep_copy() for item in self.items], self.position, self.comments)
        _copy_extras(self, copy)
        return copy


class Document:
    """One document. ``implicit`` tells that no ``---`` stands before it."""

    __slots__ = ("annotations", "comments", "implicit", "meta", "position", "value")

    def __init__(
        self,
        value: Value = None,
        position: Position = UNKNOWN,
        comments: list[Comment] | None = None,
        implicit: bool = False,
    ) -> None:
        self.value = value
        self.position = position
        self.comments = comments
        self.implicit = implicit
        self.annotations: dict[str, Annotation] | None = None
        self.meta: Any = None

    def deep_copy(self) -> Document:
        copy = Document(copy_value(self.value), self.position, self.comments, self.implicit)
        _copy_extras(self, copy)
        return copy


class Map:
    """A mapping, in the order of its text."""

    __slots__ = ("annotations", "items", "meta", "position")

    def __init__(self, items: list[MapItem] | None = None, position: Position = UNKNOWN) -> None:
        self.items: list[MapItem] = items if items is not None else []
        self.position = position
        self.annotations: dict[str, Annotation] | None = None
        self.meta: Any = None

    def find(self, key: object) -> MapItem | None:
        """The last item with this key; True is not 1 here, though 1 is not 1.0 either."""
        found = None
        kind = type(key)
        for item in self.items:
            if item.key == key and type(item.key) is kind:
                found = item
        return found

    def deep_copy(self) -> Map:
        copy = Map([item.deep_copy() for item in self.items], self.position)
        _copy_extras(self, copy)
        return copy


class MapItem:
    """One ``key: value`` of a mapping. A key is a scalar, or (rarely) a collection."""

    __slots__ = ("annotations", "comments", "key", "meta", "position", "value")

    def __init__(
        self,
        key: Any,
        value: Value = None,
        position: Position = UNKNOWN,
        comments: list[Comment] | None = None,
    ) -> None:
        self.key = key
        self.value = value
        self.position = position
        self.comments = comments
        self.annotations: dict[str, Annotation] | None = None
        self.meta: Any = None

    def deep_copy(self) -> MapItem:
        copy = MapItem(self.key, copy_value(self.value), self.position, self.comments)
        _copy_extras(self, copy)
        return copy


class Array:
    """A sequence."""

    __slots__ = ("annotations", "items", "meta", "position")

    def __init__(self, items: list[ArrayItem] | None = None, position: Position = UNKNOWN) -> None:
        self.items: list[ArrayItem] = items if items is not None else []
        self.position = position
        self.annotations: dict[str, Annotation] | None = None
        self.meta: Any = None

    def deep_copy(self) -> Array:
        copy = Array([item.deep_copy() for item in self.items], self.position)
        _copy_extras(self, copy)
        return copy


class ArrayItem:
    """One ``- value`` of a sequence; its position is that of the dash."""

    __slots__ = ("annotations", "comments", "meta", "position", "value")

    def __init__(
        self, value: Value = None, position: Position = UNKNOWN, comments: list[Comment] | None = None
    ) -> None:
        self.value = value
        self.position = position
        self.comments = comments
        self.annotations: dict[str, Annotation] | None = None
        self.meta: Any = None

    def deep_copy(self) -> ArrayItem:
        copy = ArrayItem(copy_value(self.value), self.position, self.comments)
        _copy_extras(self, copy)
        return copy


_COLLECTIONS = frozenset({Map, Array})


def copy_value(value: Value) -> Value:
    """A value that shares no collection with ``value``; positions and comments are shared, they never change."""
    kind = value.__class__
    if kind is Map or kind is Array:
        return value.deep_copy()
    return value


def node_count(value: Value) -> int:
    """How many items a value is made of, at all depths."""
    count = 0
    pending = [value]
    while pending:
        items = getattr(pending.pop(), "items", None)
        if items is not None:
            count += len(items)
            pending.extend([item.value for item in items if item.value.__class__ in _COLLECTIONS])
    return count


def placed(value: Value, position: Position) -> Value:
    """``value`` with every node at ``position``, changed in place: for values that come from no file."""
    pending = [value]
    while pending:
        node = pending.pop()
        kind = node.__class__
        if kind is Map or kind is Array:
            node.position = position
            pending.extend(node.items)
        elif kind is MapItem or kind is ArrayItem:
            node.position = position
            pending.append(node.value)
    return value


def without_shadowed_items(value: Value) -> Value:
    """``value`` changed in place so that each key stands once: in its first place, with its last value."""
    pending = [value]
    while pending:
        node = pending.pop()
        kind = node.__class__
        if kind is Map:
            if len({item.key for item in node.items}) != len(node.items):
                _keep_last(node)
        elif kind is not Array:
            continue
        for item in node.items:
            child = item.value.__class__
            if child is Map or child is Array:
                pending.append(item.value)
    return value


def _keep_last(node: Map) -> None:
    places: dict[object, MapItem] = {}
    for item in node.items:
        key = item.key
        places[key if key.__class__ is str else (key.__class__, _hashable(key))] = item
    if len(places) != len(node.items):
        node.items = list(places.values())


def _hashable(key: object) -> object:
    return id(key) if isinstance(key, (Map, Array)) else key


def _copy_extras(original: Any, copy: Any) -> None:
    annotations = original.annotations
    if annotations is not None:
        copy.annotations = dict(annotations)
    copy.meta = original.meta
