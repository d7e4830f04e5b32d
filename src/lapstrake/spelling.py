"""The nearest known name to a misspelt one."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def distance(a: str, b: str, limit: int) -> int:
    """Edit distance between ``a`` and ``b``; anything above ``limit`` is reported as ``limit + 1``."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (left != right))
    return min(row[-1], limit + 1)


def nearest(name: str, candidates: Iterable[str], folded: Callable[[str], str] = str.casefold) -> str | None:
    """The first of the candidates closest to ``name``, if fewer than half of its letters (rounded up) differ.

    ``folded`` gives the form in which names are compared.
    """
    best: str | None = None
    limit = (len(name) + 1) // 2
    for candidate in candidates:
        found = distance(folded(name), folded(candidate), limit)
        if found < limit:
            best, limit = candidate, found
    return best
