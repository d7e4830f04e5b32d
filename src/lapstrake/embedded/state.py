"""Where an embedded control plane keeps what must outlive it, and how others find it.

The folder is ``lapstrake`` below XDG_STATE_HOME. A running plane holds a lock on ``plane.lock``, which the
operating system lets go when the process ends, however it ends; ``plane.json`` says where it listens.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from lapstrake.errors import LapstrakeError


class AlreadyRunningError(LapstrakeError):
    """Another process serves this state."""


@dataclass(frozen=True, slots=True)
class Record:
    """Where a plane listens (or did, last time). ``pid`` 0: it does not run."""

    pid: int = 0
    api_port: int = 0
    registry_port: int = 0
    kubeconfig: str = ""
    started: float = 0.0

    @property
    def api_url(self) -> str:
        return f"https://127.0.0.1:{self.api_port}"

    @property
    def registry(self) -> str:
        """As image references name it."""
        return f"127.0.0.1:{self.registry_port}"


def default_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The state folder of this user."""
    base = environment.get("XDG_STATE_HOME", "")
    root = (
        Path(base)
        if base.startswith("/")
        else Path(environment.get("HOME", "~")).expanduser() / ".local" / "state"
    )
    return root / "lapstrake"


@dataclass(frozen=True, slots=True)
class State:
    """The files of one plane."""

    folder: Path

    @property
    def pki(self) -> Path:
        return self.folder / "pki"

    @property
    def cluster(self) -> Path:
        return self.folder / "cluster.db"

    @property
    def registry(self) -> Path:
        return self.folder / "registry"

    @property
    def work(self) -> Path:
        """What controllers need on disk while they work."""
        return self.folder / "work"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def log(self) -> Path:
        return self.folder / "plane.log"

    @property
    def _lock(self) -> Path:
        return self.folder / "plane.lock"

    @property
    def _record(self) -> Path:
        return self.folder / "plane.json"

    def make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the process that serves this state. Raises AlreadyRunningError."""
        self.make()
        with open(self._lock, "a") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise AlreadyRunningError(
                    f"An embedded control plane runs already in '{self.folder}'", hint="lapstrake status"
                ) from None
            yield

    def is_held(self) -> bool:
        """Whether some process serves this state now."""
        if not self._lock.exists():
            return False
        with open(self._lock, "a") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    def read(self) -> Record:
        """The last record; an empty one if there is none that can be read."""
        try:
            return Record(**json.loads(self._record.read_text()))
        except (OSError, ValueError, TypeError):
            return Record()

    def write(self, record: Record) -> None:
        temporary = self._record.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(record), indent=2) + "\n")
        temporary.replace(self._record)

    def running(self) -> Record | None:
        """The plane that serves this state now and is ready, or None."""
        record = self.read()
        return record if record.pid and self.is_held() else None

    def wait_until_free(self, seconds: float) -> bool:
        """True as soon as no process serves this state any more."""
        deadline = time.monotonic() + seconds
        while self.is_held():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True
