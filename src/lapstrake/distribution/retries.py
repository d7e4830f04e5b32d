"""When a request is sent again, and after which pause.

Source: facts on imgpkg, "Registry access": tries in all, pauses of 100 ms, doubled, at most 1 s, and the answers
after which a write is repeated. Reads are repeated after the same answers, and a registry that is asked too much
decides how long we wait (Retry-After), up to a bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lapstrake.distribution.failures import TemporaryError
from lapstrake.errors import RegistryError

_RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_RETRIED_CODES = frozenset({"BLOB_UPLOAD_INVALID", "TOOMANYREQUESTS", "UNKNOWN", "UNAVAILABLE"})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0  # seconds
_LONGEST_WAIT = 30.0  # seconds, whatever Retry-After says

_T = TypeVar("_T")


def is_passing(error: RegistryError) -> bool:
    """Whether what made a request fail may be gone at the next try."""
    return (
        isinstance(error, TemporaryError) or error.status in _RETRIED_STATUSES or error.code in _RETRIED_CODES
    )


class Retries:
    """The rule of one client: ``tries`` in all (at least one)."""

    def __init__(self, tries: int, sleep: Callable[[float], None]) -> None:
        self._tries = max(1, tries)
        self._sleep = sleep

    def run(self, attempt: Callable[[], _T], passing: Callable[[RegistryError], bool] = is_passing) -> _T:
        """The first success of ``attempt``; its last error once the tries are used up, or one that will stay."""
        budget = self.budget()
        while True:
            try:
                return attempt()
            except RegistryError as error:
                if not passing(error):
                    raise
                budget.spend(error)

    def budget(self) -> Budget:
        """The tries of one transfer, all still to be had."""
        return Budget(self._tries, self._sleep)


class Budget:
    """Counts failures of one transfer and pauses between its tries."""

    def __init__(self, tries: int, sleep: Callable[[float], None]) -> None:
        self._tries = tries
        self._sleep = sleep
        self.refill()

    def refill(self) -> None:
        """Begin to count anew: the transfer has come on."""
        self._left = self._tries
        self._pause = _FIRST_PAUSE

    def spend(self, error: RegistryError) -> None:
        """One try has failed with ``error``: wait before the next, or raise it if there is none."""
        self._left -= 1
        if self._left <= 0:
            raise error
        asked = error.after if isinstance(error, TemporaryError) else 0.0
        self._sleep(min(max(self._pause, asked), _LONGEST_WAIT))
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
