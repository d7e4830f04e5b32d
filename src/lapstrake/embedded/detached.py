"""A control plane in the background: start it, see that it is ready, end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from lapstrake.embedded.state import Record, State
from lapstrake.errors import LapstrakeError, TimedOutError

READY_SECONDS = 30.0
END_SECONDS = 15.0


def start(state: State, arguments: Sequence[str]) -> Record:
    """Run ``lapstrake up ARGUMENTS`` in a session of its own; its record once it is ready.

    Raises LapstrakeError with the end of its log if it does not get that far.
    """
    state.make()
    with open(state.log, "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "lapstrake", "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            close_fds=True,
            cwd="/",
        )
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        record = state.running()
        if record is not None and record.pid == process.pid:
            return record
        if process.poll() is not None:
            raise LapstrakeError(
                f"The control plane ended with status {process.returncode}: {_last_line(state)}",
                hint=f"see {state.log}",
            )
        time.sleep(0.02)
    process.terminate()
    raise TimedOutError(f"The control plane was not ready after {READY_SECONDS:g}s", hint=f"see {state.log}")


def stop(state: State) -> bool:
    """End the plane of this state; False if none runs. Raises TimedOutError if it does not end."""
    if not state.is_held():
        return False
    record = state.read()
    if not record.pid:
        raise LapstrakeError("The control plane is still starting", hint="try again in a moment")
    for sign, seconds in ((signal.SIGTERM, END_SECONDS), (signal.SIGKILL, 2.0)):
        try:
            os.kill(record.pid, sign)
        except ProcessLookupError:
            return True
        if state.wait_until_free(seconds) and _gone(record.pid, seconds):
            return True
    raise TimedOutError(f"Process {record.pid} did not end")


def _gone(pid: int, seconds: float) -> bool:
    """Whether the process ends within ``seconds``; it lets go of its lock a moment before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def _last_line(state: State) -> str:
    lines = state.log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no output"
