"""Comparing values of a tree: whether one holds all of another."""

from __future__ import annotations

from lapstrake.yamldoc.nodes import Array, Map
from lapstrake.ytt.overlay.host import tree_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def difference(left: Any, right: Any) -> str | None:
    """Why ``right`` is not a part of ``left``, or None if it is.

    A map may hold more keys on the left and an array more items; scalars must be of one type and equal.
    """
    kind = right.__class__
    if kind is Map:
        if left.__class__ is not Map:
            return f"Expected map, but was {tree_type(left)}"
        return _map_difference(left, right)
    if kind is Array:
        if left.__class__ is not Array:
            return f"Expected array, but was {tree_type(left)}"
        if len(left.items) < len(right.items):
            return f"Expected to have at least {len(right.items)} array items, but had {len(left.items)}"
        for mine, theirs in zip(left.items, right.items, strict=False):
            reason = difference(mine.value, theirs.value)
            if reason is not None:
                return reason
        return None
    if left.__class__ is kind and (left == right or (left != left and right != right)):
        return None
    return f"Expected leaf values to match {tree_type(left)} {tree_type(right)}"


def _map_difference(left: Map, right: Map) -> str | None:
    for item in right.items:
        mine = left.find(item.key)
        if mine is None:
            return f"Expected to find map item with key '{item.key}', but did not"
        reason = difference(mine.value, item.value)
        if reason is not None:
            return reason
    return None


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal throughout."""
    kind = left.__class__
    if kind is not right.__class__:
        return False
    if kind is Map:
        return len(left.items) == len(right.items) and all(
            mine.key == theirs.key and same(mine.value, theirs.value)
            for mine, theirs in zip(left.items, right.items, strict=True)
        )
    if kind is Array:
        return len(left.items) == len(right.items) and all(
            same(mine.value, theirs.value) for mine, theirs in zip(left.items, right.items, strict=True)
        )
    return bool(left == right)
