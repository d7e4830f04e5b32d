"""What keeps overlays on large collections linear: changes carried out together, and maps that find their keys."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.yamldoc.nodes import Array, DocumentSet, Map, MapItem

_WORTH_AN_INDEX = 400


class Changes:
    """What is to stand in the place of items, gathered first and carried out at once: pairs of item and new items."""

    __slots__ = ("pairs",)

    def __init__(self) -> None:
        self.pairs: list[tuple[Any, list[Any]]] = []

    def add(self, item: Any, instead: list[Any] | None) -> None:
        """``instead`` of None leaves ``item`` where it is."""
        if instead is not None:
            self.pairs.append((item, instead))

    def carry_out(self, holder: DocumentSet | Map | Array) -> None:
        """Give ``holder`` a list of items with the changes to those it holds."""
        if not self.pairs:
            return
        found: list[Any] = list(holder.items)
        if len(self.pairs) == 1:
            item, instead = self.pairs[0]
            if item in found:
                at = found.index(item)
                found[at : at + 1] = instead
                holder.items = found
        else:
            places = {id(item): instead for item, instead in self.pairs}
            holder.items = [new for item in found for new in places.get(id(item), (item,))]


class KeyIndex:
    """The items of a map by key, for an overlay of ``lookups`` items; small ones are searched one by one."""

    __slots__ = ("_by_key", "_is_used", "_map")

    def __init__(self, node: Map, lookups: int) -> None:
        self._map = node
        self._is_used = len(node.items) * lookups > _WORTH_AN_INDEX
        self._by_key: dict[Any, list[MapItem]] | None = None

    def items(self, key: Any) -> list[MapItem]:
        """All items with this key; True is not 1, and 1 is not 1.0."""
        kind = key.__class__
        if not self._is_used or kind is not str:
            return [item for item in self._map.items if item.key == key and item.key.__class__ is kind]
        if self._by_key is None:
            self._by_key = {}
            for item in self._map.items:
                self.appended(item)
        return list(self._by_key.get(key, ()))

    def appended(self, item: MapItem) -> None:
        if self._by_key is not None and item.key.__class__ is str:
            self._by_key.setdefault(item.key, []).append(item)

    def changed(self, changes: Changes) -> None:
        """Take note of changes that were carried out, or forget everything where that is not simple."""
        if self._by_key is None:
            return
        for item, instead in changes.pairs:
            is_simple = item.key.__class__ is str and len(self._by_key.get(item.key, ())) == 1
            if not is_simple or any(new.key != item.key for new in instead):
                self._by_key = None
                return
            self._by_key[item.key] = list(instead)
