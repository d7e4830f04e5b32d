"""What is being moved, how much of it, and how fast: one line at the foot of a terminal."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable
from typing import TextIO

_QUIET_SECONDS = 0.5  # short work shows nothing
_REDRAW_SECONDS = 0.1
_RATE_SECONDS = 5.0  # over which the rate is taken
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class TransferDisplay:
    """Hears of transfers from any thread and keeps a line about them up to date on ``out``.

    ``clock`` gives seconds; ``columns`` the width of the terminal.
    """

    def __init__(
        self,
        out: TextIO,
        clock: Callable[[], float] = time.monotonic,
        columns: Callable[[], int] = lambda: shutil.get_terminal_size().columns,
    ) -> None:
        self._out = out
        self._clock = clock
        self._columns = columns
        self._lock = threading.Lock()
        self._sizes: dict[str, int | None] = {}
        self._moved: dict[str, int] = {}
        self._active: list[str] = []
        self._began = 0.0
        self._drawn = 0.0
        self._shown = False
        self._samples: list[tuple[float, int]] = []

    def began(self, what: str, size: int | None) -> None:
        with self._lock:
            if not self._active:
                self._start(self._clock())
            self._active.append(what)
            self._sizes[what] = size
            self._moved[what] = 0

    def moved(self, what: str, count: int) -> None:
        now = self._clock()
        with self._lock:
            self._moved[what] = self._moved.get(what, 0) + count
            if now - self._began >= _QUIET_SECONDS and now - self._drawn >= _REDRAW_SECONDS:
                self._draw(now)

    def ended(self, what: str) -> None:
        with self._lock:
            if what in self._active:
                self._active.remove(what)
            if not self._active:
                self._erase()

    def clear(self) -> None:
        """Make room for other text; the line comes back with the next news."""
        with self._lock:
            self._erase()

    def _start(self, now: float) -> None:
        self._sizes, self._moved = {}, {}
        self._began, self._samples = now, [(now, 0)]

    def _draw(self, now: float) -> None:
        line = self._line(now)[: max(10, self._columns() - 1)]
        self._out.write(f"\r\x1b[K{line}")
        self._out.flush()
        self._drawn, self._shown = now, True

    def _erase(self) -> None:
        if self._shown:
            self._out.write("\r\x1b[K")
            self._out.flush()
            self._shown = False

    def _line(self, now: float) -> str:
        moved = sum(self._moved.values())
        rate = self._rate(now, moved)
        total = sum(size or 0 for size in self._sizes.values())
        known = all(size is not None for size in self._sizes.values())
        amount = f"{_bytes(moved)} of {_bytes(total)}" if known else _bytes(moved)
        parts = [self._name(), amount, f"{_bytes(rate)}/s"]
        if known and rate:
            parts.append(f"{max(0, total - moved) / rate:.0f} s left")
        return "  ".join(parts)

    def _name(self) -> str:
        first = re.sub(r"(sha\d+:[0-9a-f]{12})[0-9a-f]+", r"\1", self._active[0])
        others = len(self._active) - 1
        return f"{first} and {others} more" if others else first

    def _rate(self, now: float, moved: int) -> float:
        """Bytes a second over the last seconds."""
        self._samples.append((now, moved))
        while len(self._samples) > 2 and now - self._samples[0][0] > _RATE_SECONDS:
            self._samples.pop(0)
        since, before = self._samples[0]
        return (moved - before) / (now - since) if now > since else 0.0


def _bytes(count: float) -> str:
    unit = 0
    while count >= 1024 and unit < len(_UNITS) - 1:
        count, unit = count / 1024, unit + 1
    return f"{count:.1f} {_UNITS[unit]}" if unit else f"{count:.0f} B"
