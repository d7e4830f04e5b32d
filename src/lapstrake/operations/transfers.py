"""How far the moving of content has come, for those who wait for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol


class Transfers(Protocol):
    """Told of content on its way, from several threads at once. ``what`` names one piece of content for people."""

    def began(self, what: str, size: int | None) -> None:
        """``size`` in bytes, None if it is not known."""

    def moved(self, what: str, count: int) -> None:
        """So many bytes more."""

    def ended(self, what: str) -> None:
        """Whether it came through or not."""


class _Unwatched:
    """For work that nobody waits for at a terminal."""

    def began(self, what: str, size: int | None) -> None:
        pass

    def moved(self, what: str, count: int) -> None:
        pass

    def ended(self, what: str) -> None:
        pass


UNWATCHED: Transfers = _Unwatched()


def watched(transfers: Transfers, what: str, size: int | None, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """``pieces`` as they are, each told to ``transfers`` when it is taken."""
    transfers.began(what, size)
    try:
        for piece in pieces:
            transfers.moved(what, len(piece))
            yield piece
    finally:
        transfers.ended(what)
