"""The requests of a run and their answers, for those who look for a fault: what --debug shows."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TextIO

from lapstrake.http.redaction import redacted

_LOGGER = "urllib3.connectionpool"  # connections, requests with their status, retries and redirects


def show_requests(out: TextIO) -> Callable[[], None]:
    """Write a line for each request from now on to ``out``, without secrets that stand in addresses.

    Headers and bodies are left out: they hold credentials. What is given back ends it.
    """
    handler = logging.StreamHandler(out)
    handler.setFormatter(_Redacted("%(asctime)s %(message)s", datefmt="%Y/%m/%d %H:%M:%S"))
    logger = logging.getLogger(_LOGGER)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)

    def end() -> None:
        logger.removeHandler(handler)
        logger.setLevel(before)

    return end


class _Redacted(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return " ".join(redacted(word) for word in super().format(record).split(" "))
