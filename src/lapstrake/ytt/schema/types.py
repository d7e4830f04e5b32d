"""The types that a schema document gives to data values.

Every type can make its default value, check a value (collecting violations, not stopping at the first) and
complete a map by the keys it lacks.
"""

from __future__ import annotations

from lapstrake.spelling import nearest
from lapstrake.yamldoc.gojson import key_text
from lapstrake.yamldoc.nodes import Array, Document, Map, MapItem, copy_value
from lapstrake.ytt.overlay.host import tree_type
from lapstrake.ytt.schema.errors import SchemaError, Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.position import Position
    from lapstrake.ytt.validation import Rules

UNDECLARED = "Given data value is not declared in schema"
INVALID_VALUES = "One or more data values were invalid"
MOST_KEYS_LISTED = 9

NO_DEFAULT: Any = object()


class Documentation:
    """What a schema says about a value for its readers. ``examples``: pairs of description and value."""

    __slots__ = ("deprecated", "description", "examples", "title")

    def __init__(self) -> None:
        self.title = ""
        self.description = ""
        self.deprecated = False
        self.examples: list[tuple[str, Any]] = []


class Type:
    """What all types share. ``position`` is that of the item that declares it."""

    __slots__ = ("documentation", "explicit_default", "nullable", "position", "rules")

    name = ""

    def __init__(self, position: Position) -> None:
        self.position = position
        self.documentation = Documentation()
        self.explicit_default: Any = NO_DEFAULT
        self.nullable = False
        self.rules: Rules | None = None

    def default(self) -> Any:
        """A fresh default value."""
        if self.explicit_default is not NO_DEFAULT:
            return self.complete(copy_value(self.explicit_default))
        return None if self.nullable else self.own_default()

    def own_default(self) -> Any:
        raise NotImplementedError

    def check(self, value: Any, place: Place) -> None:
        """Collect in ``place`` what is wrong with ``value``."""
        if value is None and self.nullable:
            return
        if self.accepts(value):
            self.check_inside(value, place)
        else:
            place.mismatch(tree_type(value), self)

    def accepts(self, value: Any) -> bool:
        raise NotImplementedError

    def check_inside(self, value: Any, place: Place) -> None:
        """Check what is below a value of this type."""

    def complete(self, value: Any) -> Any:
        """``value``, which was checked, with missing keys added in place."""
        return value


class Place:
    """Where checking is, and what was found wrong. A default or example is blamed on its annotation (``blamed``)."""

    __slots__ = ("blamed", "found_suffix", "position", "violations")

    def __init__(
        self,
        position: Position,
        violations: list[Violation],
        blamed: list[Position] | None = None,
        found_suffix: str = "",
    ) -> None:
        self.position = position
        self.violations = violations
        self.blamed = blamed
        self.found_suffix = found_suffix

    def inner(self, position: Position) -> Place:
        return Place(position, self.violations, self.blamed, self.found_suffix)

    def mismatch(self, found: str, wanted: Type) -> None:
        self.add(found, f"{wanted.name} (by {wanted.position})")

    def add(self, found: str, expected: str, hints: tuple[str, ...] = (), title: str = "") -> None:
        lines = self.blamed if self.blamed is not None else [self.position]
        self.violations.append(Violation(lines, found + self.found_suffix, expected, hints, title))


class ScalarType(Type):
    """``kind`` is bool, int, float or str."""

    __slots__ = ("kind", "name", "value")

    def __init__(self, value: Any, position: Position) -> None:
        super().__init__(position)
        self.value = value
        self.kind = str if value.__class__ is bytes else value.__class__
        self.name = tree_type(value)

    def own_default(self) -> Any:
        return self.value

    def accepts(self, value: Any) -> bool:
        kind = value.__class__
        return (
            kind is self.kind or (kind is int and self.kind is float) or (kind is bytes and self.kind is str)
        )


class AnyType(Type):
    __slots__ = ("value",)

    name = "any"

    def __init__(self, value: Any, position: Position) -> None:
        super().__init__(position)
        self.value = value

    def own_default(self) -> Any:
        return copy_value(self.value)

    def accepts(self, value: Any) -> bool:
        return True


class ArrayType(Type):
    __slots__ = ("item",)

    name = "array"

    def __init__(self, item: Type, position: Position) -> None:
        super().__init__(position)
        self.item = item

    def own_default(self) -> Any:
        return Array([], self.position)

    def accepts(self, value: Any) -> bool:
        return value.__class__ is Array

    def check_inside(self, value: Any, place: Place) -> None:
        for item in value.items:
            self.item.check(item.value, place.inner(item.position))

    def complete(self, value: Any) -> Any:
        if value.__class__ is Array:
            for item in value.items:
                item.value = self.item.complete(item.value)
        return value


class MapType(Type):
    """``members``: the declared keys, in order, with their types."""

    __slots__ = ("by_key", "members")

    name = "map"

    def __init__(self, members: list[tuple[Any, Type]], position: Position) -> None:
        super().__init__(position)
        self.members = members
        self.by_key = {(key.__class__, key): kind for key, kind in members}

    def own_default(self) -> Any:
        return Map([MapItem(key, kind.default(), kind.position) for key, kind in self.members], self.position)

    def accepts(self, value: Any) -> bool:
        return value.__class__ is Map

    def check_inside(self, value: Any, place: Place) -> None:
        for item in value.items:
            kind = self.by_key.get((item.key.__class__, item.key))
            if kind is None:
                self._undeclared(
                    key_text(item.key) if item.key.__class__ is not str else item.key, place, item
                )
            else:
                kind.check(item.value, place.inner(item.position))

    def _undeclared(self, key: str, place: Place, item: MapItem) -> None:
        names = sorted(name if name.__class__ is str else key_text(name) for name, _ in self.members)
        if len(names) == 1:
            expected = f'a map item with the key named "{names[0]}"'
        elif 1 < len(names) <= MOST_KEYS_LISTED:
            expected = f"one of {{ {', '.join(names)} }}"
        else:
            expected = "a key declared in map"
        near = nearest(key, names, _folded)
        hints = (f'did you mean "{near}"?',) if near is not None else ()
        place.inner(item.position).add(key, f"{expected} (from {self.position})", hints, UNDECLARED)

    def complete(self, value: Any) -> Any:
        if value.__class__ is not Map:
            return value
        given = {}
        for item in value.items:
            given[item.key.__class__, item.key] = item
        for (_, key), kind in self.by_key.items():
            present = given.get((key.__class__, key))
            if present is None:
                value.items.append(MapItem(key, kind.default(), kind.position))
            else:
                present.value = kind.complete(present.value)
        return value


def _folded(name: str) -> str:
    return name.lower().replace("_", "")


class DocumentType:
    """The type of a whole data values document."""

    __slots__ = ("position", "value")

    def __init__(self, value: Type, position: Position) -> None:
        self.value = value
        self.position = position

    def default_document(self) -> Document:
        return Document(self.value.default(), self.position)

    def check_and_complete(self, document: Document) -> None:
        """Raises SchemaError with all that is wrong; adds missing keys in place."""
        violations: list[Violation] = []
        self.value.check(document.value, Place(document.position, violations))
        if violations:
            raise SchemaError(INVALID_VALUES, violations)
        document.value = self.value.complete(document.value)
