"""The same work for many things at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class _LeftUndone(Exception):
    """Something else has failed before."""


def concurrently(most: int, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """The results in the order of ``items``, with at most ``most`` of them being worked on at a time.

    The first error is raised, once what has begun has ended; what has not begun is left undone. An interrupt from the
    keyboard does not wait for what has begun.
    """
    failures: list[BaseException] = []

    def attempt(item: _Item) -> _Result:
        if failures:
            raise _LeftUndone
        try:
            return work(item)
        except BaseException as error:
            failures.append(error)
            raise

    pool = ThreadPoolExecutor(max(1, most))
    try:
        futures = [pool.submit(attempt, item) for item in items]
        wait(futures, return_when=FIRST_EXCEPTION)
    except BaseException:
        failures.append(_LeftUndone())
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    if failures:
        raise failures[0]
    return [future.result() for future in futures]
