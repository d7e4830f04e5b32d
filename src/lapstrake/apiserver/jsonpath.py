"""The part of JSONPath that printer columns use: members, indices, wildcards and filters on equality.

``.spec.size``, ``.status.conditions[?(@.type=="Ready")].status``, ``.metadata.labels.kv\\.example\\.com/x``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

_STEP = re.compile(
    r"""
    \.\.(?P<deep>[\w\-/$]+)
  | \.?(?P<all>\*)
  | \.(?P<member>(?:\\.|[^.\[\]\\])+)
  | \[\s*'(?P<single>[^']*)'\s*\]
  | \[\s*"(?P<double>[^"]*)"\s*\]
  | \[\s*(?P<index>-?\d+)\s*\]
  | \[\s*(?P<slice>-?\d*:-?\d*)\s*\]
  | \[\s*(?P<every>\*)\s*\]
  | \[\s*\?\(\s*@(?P<left>(?:\.[^\s=!<>)]+)?)\s*(?:(?P<operator>==|!=|<=|>=|<|>)\s*(?P<right>"[^"]*"|'[^']*'|[^)\s]+)\s*)?\)\s*\]
    """,
    re.VERBOSE,
)

Step = tuple[str, str, str, str]
"""Name of the alternative, its text, and for filters the operator and the right side."""


class InvalidPath(ValueError):
    """The text is no path of the supported kind."""


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[Step, ...]:
    text = path.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    text = text.removeprefix("$")
    if text and text[0] not in ".[":
        text = f".{text}"
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            if text[at:] == ".":
                break
            raise InvalidPath(f"{path}: cannot read {text[at:]!r}")
        kind = found.lastgroup or ""
        if found["left"] is not None:
            steps.append(("filter", found["left"], found["operator"] or "", found["right"] or ""))
        else:
            steps.append((kind, found[kind], "", ""))
        at = found.end()
    return tuple(steps)


def find(path: str, value: Any) -> list[Any]:
    """All values at ``path``; missing members give nothing. Raises :class:`InvalidPath`."""
    values = [value]
    for step in _steps(path):
        values = [found for value in values for found in _take(step, value)]
    return values


def _take(step: Step, value: Any) -> Iterable[Any]:
    kind, text, operator, right = step
    if kind in ("all", "every"):
        return list(value.values()) if isinstance(value, Mapping) else list(_items(value))
    if kind in ("member", "single", "double"):
        key = text.replace("\\.", ".") if kind == "member" else text
        return [value[key]] if isinstance(value, Mapping) and key in value else []
    if kind == "deep":
        return list(_deep(text, value))
    items = _items(value)
    if kind == "index":
        index = int(text)
        return [items[index]] if -len(items) <= index < len(items) else []
    if kind == "slice":
        start, _, end = text.partition(":")
        return items[int(start) if start else None : int(end) if end else None]
    return [item for item in items if _matches(item, text, operator, right)]


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _deep(key: str, value: Any) -> Iterable[Any]:
    children = list(value.values()) if isinstance(value, Mapping) else _items(value)
    if isinstance(value, Mapping) and key in value:
        yield value[key]
    for child in children:
        yield from _deep(key, child)


def _matches(item: Any, left: str, operator: str, right: str) -> bool:
    found = find(left, item) if left else [item]
    if not operator:
        return bool(found)
    if not found:
        return False
    wanted: Any = right[1:-1] if right[:1] in "\"'" else _literal(right)
    have = found[0]
    if operator == "==":
        return bool(have == wanted)
    if operator == "!=":
        return bool(have != wanted)
    try:
        comparisons = {"<": have < wanted, "<=": have <= wanted, ">": have > wanted, ">=": have >= wanted}
    except TypeError:
        return False
    return bool(comparisons[operator])


def _literal(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text
