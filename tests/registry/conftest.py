from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lapstrake.registry.server import RunningRegistry, serve
from lapstrake.registry.store import Store


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(tmp_path: Path, clock: Clock) -> Iterator[RunningRegistry]:
    with serve("127.0.0.1", 0, str(tmp_path / "content"), clock=clock, sweep_seconds=3600) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Store:
    return Store(str(tmp_path / "content"), clock)
