"""The log of builds: lines of programs that run at the same time, each line after the name of its image."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

_LONGEST_PENDING = 1 << 16  # bytes of a line that does not end


class BuildLog:
    """Passes whole lines on to ``write``, which is never called twice at once."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._lock = Lock()

    def lines_of(self, name: str) -> LogLines:
        return LogLines(self, name)

    def write(self, data: bytes) -> None:
        with self._lock:
            self._write(data)


class LogLines:
    """Puts ``NAME | `` before each line. One for each stream, as lines may come in pieces."""

    def __init__(self, log: BuildLog, name: str) -> None:
        self._log = log
        self._prefix = f"{name} | ".encode()
        self._pending = b""

    def say(self, text: str) -> None:
        """A line of our own."""
        self.hear(f"{text}\n".encode())

    def hear(self, data: bytes) -> None:
        """Any piece of output; what follows its last line end waits for the rest of its line."""
        whole, end, self._pending = (self._pending + data).rpartition(b"\n")
        if not end and len(self._pending) > _LONGEST_PENDING:
            whole, end, self._pending = self._pending, b"\n", b""
        if end:
            self._log.write(b"".join(self._prefix + line + b"\n" for line in whole.split(b"\n")))

    def end(self) -> None:
        """The last line need not have an end."""
        if self._pending:
            self.hear(b"\n")
