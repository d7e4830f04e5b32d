"""The name somebody may have meant, for attributes and loads."""

from __future__ import annotations

from lapstrake.spelling import distance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The first of the candidates closest to ``name``, if fewer than half of its letters (rounded up) differ."""
    best: str | None = None
    limit = (len(name) + 1) // 2
    for candidate in candidates:
        found = distance(name.casefold(), candidate.casefold(), limit)
        if found < limit:
            best, limit = candidate, found
    return best
