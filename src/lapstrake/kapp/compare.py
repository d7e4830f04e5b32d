"""Differences between two objects: as a list of operations, as an MD5, and as lines of text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lapstrake.kapp.rebase import DEFAULT_RULES, RebaseRule, compared, rebased, without_fields

_LARGEST_TABLE = 4_000_000  # cells; above that the quick matcher of the standard library is used


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a difference. A number is None on the side where the line is not."""

    left: int | None
    right: int | None
    text: str


Operation = dict[str, Any]


def operations(old: Any, new: Any, path: str = "") -> list[Operation]:
    """How ``old`` becomes ``new``, as go-patch operations in order of the paths: each change after a test."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found: list[Operation] = []
        for key in sorted({*old, *new}):
            place = f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"
            if key not in new:
                found += _removal(place, old[key])
            elif key not in old:
                found.append({"type": "test", "path": place, "absent": True})
                found.append({"type": "replace", "path": f"{place}?", "value": new[key]})
            else:
                found += operations(old[key], new[key], place)
        return found
    if isinstance(old, list) and isinstance(new, list):
        return _list_operations(old, new, path)
    if same(old, new):
        return []
    test = {"type": "test", "path": path, "value": old}
    return [test, {"type": "replace", "path": path, "value": new}]


def _list_operations(old: Sequence[Any], new: Sequence[Any], path: str) -> list[Operation]:
    found: list[Operation] = []
    for index in range(max(len(old), len(new))):
        place = f"{path}/{index}"
        if index >= len(new):
            found += _removal(place, old[index])
        elif index >= len(old):
            found.append({"type": "test", "path": place, "absent": True})
            found.append({"type": "replace", "path": f"{path}/-", "value": new[index]})
        else:
            found += operations(old[index], new[index], place)
    return found


def _removal(path: str, value: Any) -> list[Operation]:
    return [{"type": "test", "path": path, "value": value}, {"type": "remove", "path": path}]


def same(old: Any, new: Any) -> bool:
    """Equality as JSON sees it: true is not 1."""
    if isinstance(old, bool) != isinstance(new, bool):
        return False
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(same, old, new))
    return bool(old == new)


def original_md5(
    original: Mapping[str, Any],
    applied: Mapping[str, Any],
    rules: Sequence[RebaseRule] = DEFAULT_RULES,
    left_out: Sequence[Sequence[Any]] = (),
) -> str:
    """Names the difference between what the cluster made of an object and what was given.

    While it stays the same, nobody but the server's defaulting has touched the object. What rebase rules take from
    the cluster does not count, nor do the fields of ``left_out``. Found from recorded objects and their MD5s: that of
    the YAML of the operations that lead back to the original; annotations of the applied object are never absent.
    """
    current = without_fields(compared(applied), left_out)
    metadata = current.get("metadata") or {}
    current["metadata"] = {**metadata, "annotations": metadata.get("annotations") or {}}
    given = without_fields(rebased(original, applied, [rule for rule in rules if rule.silent]), left_out)
    return hashlib.md5(_yaml(operations(current, given)).encode(), usedforsecurity=False).hexdigest()


def _yaml(found: Sequence[Operation]) -> str:
    """With the members of each operation in the order type, path, value or absent."""
    from lapstrake.yamldoc.plain import dump

    if not found:
        return "[]\n"
    out = []
    for operation in found:
        members = "".join(dump({name: value}) for name, value in operation.items())
        first, *rest = members.splitlines(keepends=True)
        out.append(f"- {first}" + "".join(f"  {line}" if line.strip() else line for line in rest))
    return "".join(out)


def lines(old: str, new: str) -> list[Line]:
    """A difference of two texts, line by line: at each place removals stand before additions."""
    left, right = old.split("\n") if old else [], new.split("\n") if new else []
    head = 0
    while head < min(len(left), len(right)) and left[head] == right[head]:
        head += 1
    tail = 0
    while tail < min(len(left), len(right)) - head and left[-1 - tail] == right[-1 - tail]:
        tail += 1
    found = [Line(i, i, left[i]) for i in range(head)]
    middle = _pairs(left[head : len(left) - tail], right[head : len(right) - tail])
    i, j = head, head
    for pair_left, pair_right in [*middle, (len(left) - tail - head, len(right) - tail - head)]:
        found += [Line(n, None, left[n]) for n in range(i, head + pair_left)]
        found += [Line(None, n, right[n]) for n in range(j, head + pair_right)]
        i, j = head + pair_left, head + pair_right
        if i < len(left) - tail and j < len(right) - tail:
            found.append(Line(i, j, left[i]))
            i, j = i + 1, j + 1
    found += [Line(len(left) - n, len(right) - n, left[-n]) for n in range(tail, 0, -1)]
    return found


def _pairs(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """A longest common subsequence, as pairs of indices."""
    if len(left) * len(right) > _LARGEST_TABLE:
        import difflib

        matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
        return [(b.a + n, b.b + n) for b in matcher.get_matching_blocks() for n in range(b.size)]
    table = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left) - 1, -1, -1):
        row, below, text = table[i], table[i + 1], left[i]
        for j in range(len(right) - 1, -1, -1):
            row[j] = below[j + 1] + 1 if text == right[j] else max(below[j], row[j + 1])
    pairs = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] == right[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif table[i + 1][j] >= table[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def rendered(difference: Sequence[Line], *, context: int = 2, numbers: bool = True) -> str:
    """The difference as kapp prints it; ``context`` lines around changes, all of them if negative."""
    shown = _within(difference, context)
    out: list[str] = []
    skipped = False
    for line, wanted in zip(difference, shown, strict=True):
        changed = line.left is None or line.right is None
        if not wanted:
            skipped = True
            continue
        if skipped and not changed:
            out.append("  ...")
            skipped = False
        out.append(_rendered_line(line, numbers))
    return "".join(text + "\n" for text in out)


def _within(difference: Sequence[Line], context: int) -> list[bool]:
    """Which lines are shown: ``context`` lines after a change, one less before it."""
    if context < 0:
        return [True] * len(difference)
    wanted = [False] * len(difference)
    for index, line in enumerate(difference):
        if line.left is None or line.right is None:
            first = max(0, index - max(0, context - 1))
            for near in range(first, min(len(difference), index + context + 1)):
                wanted[near] = True
    return wanted


def _rendered_line(line: Line, numbers: bool) -> str:
    if line.right is None:
        return f"{line.left:3d}     - {line.text}" if numbers else f"- {line.text}"
    if line.left is None:
        return f"    {line.right:3d} + {line.text}" if numbers else f"+ {line.text}"
    return f"{line.left:3d},{line.right:3d}   {line.text}" if numbers else f"  {line.text}"
