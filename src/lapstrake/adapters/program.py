"""Programs of the user, run to their end while their output is passed on."""

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

_MOST_KEPT = 64 << 20
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Output:
    """What a program wrote, each stream up to 64 MiB."""

    stdout: bytes
    stderr: bytes


def unheard(_: bytes) -> None:
    """For output that only the caller's result needs."""


def run_program(
    command: Sequence[str],
    *,
    folder: str = ".",
    environment: Mapping[str, str] | None = None,
    hear_output: Hear = unheard,
    hear_errors: Hear = unheard,
) -> Output:
    """Run ``command`` in ``folder`` without input; ``environment`` is added to one's own.

    Both streams are heard while the program runs, each on a thread of its own. Raises InputError in Go's words:
    ``exec: "x": executable file not found in $PATH``, ``chdir x: ...``, ``exit status N``, ``signal: killed``.
    """
    process = _started(command, folder, environment or {})
    assert process.stdout
    assert process.stderr
    output, errors = bytearray(), bytearray()
    readers = [
        Thread(target=_forward, args=(process.stdout, output, hear_output)),
        Thread(target=_forward, args=(process.stderr, errors, hear_errors)),
    ]
    try:
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        status = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if status < 0:
        raise InputError(f"signal: {_signal_name(-status)}")
    if status:
        raise InputError(f"exit status {status}")
    return Output(bytes(output), bytes(errors))


def _started(command: Sequence[str], folder: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    program = shutil.which(command[0])
    if program is None:
        raise InputError(f'exec: "{command[0]}": executable file not found in $PATH')
    if not os.path.exists(folder):
        raise InputError(f"chdir {folder}: no such file or directory")
    try:
        return subprocess.Popen(
            [program, *command[1:]],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as e:
        raise InputError(f"fork/exec {program}: {os.strerror(e.errno or 0).lower()}") from e


def _forward(stream: IO[bytes], kept: bytearray, hear: Hear) -> None:
    while chunk := os.read(stream.fileno(), _CHUNK):
        kept += chunk[: _MOST_KEPT - len(kept)]
        hear(chunk)
    stream.close()


def _signal_name(number: int) -> str:
    import signal

    return (signal.strsignal(number) or f"signal {number}").lower()
