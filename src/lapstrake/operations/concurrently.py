"""The same work for many things at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def concurrently(most: int, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """The results in the order of ``items``, with at most ``most`` of them being worked on at a time.

    The first error is raised, once what has begun has ended; what has not begun is left undone.
    """
    with ThreadPoolExecutor(max(1, most)) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [future.result() for future in futures]
