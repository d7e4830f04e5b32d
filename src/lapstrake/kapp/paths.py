"""Paths into plain objects: keys, list indices, and ``EACH`` for all items of a list.

Objects are never changed: ``with_value`` and ``without`` give a new object that shares what did not change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final


class _Each:
    def __repr__(self) -> str:
        return "EACH"


EACH: Final = _Each()
Step = str | int | _Each
Path = Sequence[Step]
Exact = tuple[str | int, ...]
_MISSING: Final = object()


def occurrences(value: Any, path: Path) -> Iterator[tuple[Exact, Any]]:
    """Every place that ``path`` names in ``value``, with what is there."""
    if not path:
        yield (), value
        return
    step, rest = path[0], path[1:]
    if isinstance(step, _Each):
        if isinstance(value, list):
            for index, item in enumerate(value):
                for exact, found in occurrences(item, rest):
                    yield (index, *exact), found
        return
    inner = _step(value, step)
    if inner is not _MISSING:
        for exact, found in occurrences(inner, rest):
            yield (step, *exact), found


def get(value: Any, path: Sequence[str | int], default: Any = None) -> Any:
    for step in path:
        value = _step(value, step)
        if value is _MISSING:
            return default
    return value


def has(value: Any, path: Sequence[str | int]) -> bool:
    return get(value, path, _MISSING) is not _MISSING


def with_value(value: Any, path: Sequence[str | int], new: Any) -> Any:
    """A copy with ``new`` at ``path``; missing maps on the way are made. Lists are not extended."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        if not isinstance(value, list) or not -len(value) <= step < len(value):
            return value
        copy = list(value)
        copy[step] = with_value(copy[step], rest, new)
        return copy
    base = dict(value) if isinstance(value, Mapping) else {}
    base[step] = with_value(base.get(step), rest, new)
    return base


def without(value: Any, path: Sequence[str | int]) -> Any:
    """A copy without what is at ``path``; the same object if nothing is there."""
    if not path or not has(value, path):
        return value
    step, rest = path[0], path[1:]
    if isinstance(value, list) and isinstance(step, int):
        items = list(value)
        if rest:
            items[step] = without(items[step], rest)
        else:
            del items[step]
        return items
    copy = dict(value)
    if rest:
        copy[str(step)] = without(copy[str(step)], rest)
    else:
        del copy[str(step)]
    return copy


def _step(value: Any, step: Any) -> Any:
    if isinstance(step, str):
        return value[step] if isinstance(value, Mapping) and step in value else _MISSING
    if isinstance(value, list) and -len(value) <= step < len(value):
        return value[step]
    return _MISSING
