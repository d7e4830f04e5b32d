"""Programs of the user: run in a folder, heard while they run, and never asked anything."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Thread
from typing import IO

from lapstrake.errors import InputError

Hear = Callable[[bytes], None]
"""Takes what a program writes, in whole lines as they come, on a thread of its own for each stream."""

LONGEST_RUN = 1800.0  # seconds
_MOST_KEPT = 64 << 20  # bytes of each stream
_FAREWELL = 2.0  # seconds that a program has to end in, once it is told to
_LAST_WORDS = 0.1  # seconds for what it has said already
_PIECE = 1 << 16
_LONGEST_LINE = 1 << 16  # bytes; of a longer one, what has come is passed on


@dataclass(frozen=True, slots=True)
class Done:
    """What a program wrote, each stream up to 64 MiB; ``status`` is negative for a signal."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def error_text(self) -> str:
        return self.stderr.decode("utf-8", "replace")

    @property
    def failure(self) -> str:
        """How it failed, in Go's words: ``exit status N`` or ``signal: killed``; empty if it did not."""
        if self.status < 0:
            return f"signal: {_signal_name(-self.status)}"
        return f"exit status {self.status}" if self.status else ""


def unheard(_: bytes) -> None:
    """For output that only the caller's result needs."""


def run(
    command: Sequence[str],
    *,
    folder: str = ".",
    environment: Mapping[str, str],
    hear_output: Hear = unheard,
    hear_errors: Hear = unheard,
    given: bytes = b"",
    longest: float = LONGEST_RUN,
) -> Done:
    """Run ``command`` with exactly this environment; it reads ``given``, a few KiB at most.

    Raises InputError in Go's words if it cannot be run, and ``no answer in N s`` if it takes too long.
    """
    process = _started(command, folder, environment, with_input=bool(given))
    assert process.stdout
    assert process.stderr
    output, errors = _Stream(process.stdout, hear_output), _Stream(process.stderr, hear_errors)
    if process.stdin:
        _give(process.stdin, given)
    try:
        status = process.wait(longest)
    except BaseException as error:  # an interrupt, maybe
        _end(process)
        output.leave()
        errors.leave()
        if isinstance(error, subprocess.TimeoutExpired):
            raise InputError(f"no answer in {longest:.0f} s") from error
        raise
    return Done(status, output.end(), errors.end())


def run_program(
    command: Sequence[str],
    *,
    folder: str = ".",
    environment: Mapping[str, str] | None = None,
    hear_output: Hear = unheard,
    hear_errors: Hear = unheard,
) -> Done:
    """As :func:`run`, but with ``environment`` added to one's own, and a failure is an error.

    Raises InputError in Go's words, also ``exit status N`` and ``signal: killed``.
    """
    own = {**os.environ, **(environment or {})}
    done = run(command, folder=folder, environment=own, hear_output=hear_output, hear_errors=hear_errors)
    if done.failure:
        raise InputError(done.failure)
    return done


def _started(
    command: Sequence[str], folder: str, environment: Mapping[str, str], *, with_input: bool
) -> subprocess.Popen[bytes]:
    program = _found(command[0], environment)
    if not os.path.exists(folder):
        raise InputError(f"chdir {folder}: no such file or directory")
    try:
        return subprocess.Popen(
            [program, *command[1:]],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise InputError(f"fork/exec {program}: {(error.strerror or str(error)).lower()}") from error


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asked first: git ends the programs that it has started, and removes what it has begun."""
    process.terminate()
    try:
        process.wait(_FAREWELL)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _found(name: str, environment: Mapping[str, str]) -> str:
    """A path is taken as it is, and whether it can be run is for the system to say."""
    program = name if os.sep in name else shutil.which(name, path=environment.get("PATH"))
    if program is None:
        raise InputError(f'exec: "{name}": executable file not found in $PATH')
    return program


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
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        pending = b""
        with self._source as source:
            while piece := os.read(source.fileno(), _PIECE):
                self._kept += piece[: _MOST_KEPT - len(self._kept)]
                pending = self._passed_on(pending + piece)
        if pending:
            self._hear(pending)

    def _passed_on(self, data: bytes) -> bytes:
        """The rest, a line that has not ended: who looks for secrets or characters must see them whole."""
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if not end and len(data) > _LONGEST_LINE:
            end = len(data)
        if end:
            self._hear(data[:end])
        return data[end:]

    def leave(self) -> None:
        """Nobody hears any more. What a program has started may keep its output open for as long as it likes."""
        self._hear = unheard
        self._thread.join(_LAST_WORDS)

    def end(self) -> bytes:
        self._thread.join()
        return bytes(self._kept)


def _signal_name(number: int) -> str:
    import signal

    return (signal.strsignal(number) or f"signal {number}").lower()
