"""Programs run in a folder, heard while they run, and never asked anything."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from lapstrake.errors import InputError

Hear = Callable[[str], None]
"""Takes what a program writes, as it comes, from several threads."""

LONGEST_RUN = 1800.0  # seconds
_MOST_KEPT = 64 << 20  # bytes of each stream
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Done:
    status: int
    stdout: bytes
    stderr: str


def unheard(text: str) -> None:
    pass


def run(
    command: Sequence[str],
    *,
    folder: str,
    environment: Mapping[str, str],
    hear: Hear = unheard,
    given: bytes = b"",
    longest: float = LONGEST_RUN,
) -> Done:
    """Run ``command`` with exactly this environment; it reads ``given``, a few KiB at most. Raises InputError if it is not there or takes too long."""
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE if given else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError as e:
        raise InputError(f'exec: "{command[0]}": executable file not found in $PATH') from e
    except OSError as e:
        raise InputError(f"fork/exec {command[0]}: {(e.strerror or str(e)).lower()}") from e
    assert process.stdout
    assert process.stderr
    if process.stdin:
        _give(process.stdin, given)
    streams = [_Stream(process.stdout, hear), _Stream(process.stderr, hear)]
    try:
        status = process.wait(longest)
    except subprocess.TimeoutExpired as e:
        raise InputError(f"no answer in {longest:.0f} s") from e
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        stdout, stderr = (stream.end() for stream in streams)
    return Done(status, stdout, stderr.decode("utf-8", "replace"))


def _give(stdin: IO[bytes], data: bytes) -> None:
    try:
        stdin.write(data)
        stdin.close()
    except BrokenPipeError:
        pass  # what the program then says of itself tells more


class _Stream:
    """Reads one output of a program to its end, on a thread."""

    def __init__(self, source: IO[bytes], hear: Hear) -> None:
        self._source = source
        self._hear = hear
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while piece := os.read(self._source.fileno(), _PIECE):
            self._kept += piece[: _MOST_KEPT - len(self._kept)]
            self._hear(piece.decode("utf-8", "replace"))

    def end(self) -> bytes:
        self._thread.join()
        self._source.close()
        return bytes(self._kept)
