"""A place in which commands can be typed: a folder, a registry, a cluster, a shell."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lapstrake.embedded.plane import ControlPlane, Settings
from lapstrake.embedded.state import State

PROGRAMS = Path(sys.executable).parent
TYPING_SECONDS = 120.0

needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl here")


class Clock:
    """Seconds since 1970, which a test can move."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The variables of a shell whose home is ``folder`` and that finds our programs first."""
    foreign = ("IMGPKG_", "KBLD_", "VENDIR_", "KAPP_", "KUBE", "XDG_", "LAPSTRAKE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    return {
        **kept,
        "PATH": path,
        "HOME": str(folder / "home"),
        "XDG_STATE_HOME": str(folder / "states"),
        **more,
    }


@dataclass
class Shell:
    """Types commands in ``folder``."""

    folder: Path
    variables: Mapping[str, str]

    def run(self, *words: str, cwd: str = ".", status: int = 0) -> str:
        """Type a command that ends with ``status``; its stdout."""
        done = self._typed(words, cwd)
        shown = f"{' '.join(words)}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == status, shown
        return done.stdout

    def fails(self, *words: str, cwd: str = ".") -> str:
        """Type a command that must fail with exit status 1; its stderr, which holds no traceback."""
        done = self._typed(words, cwd)
        shown = f"{' '.join(words)}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == 1, shown
        assert "Traceback" not in done.stderr, shown
        return done.stderr

    def _typed(self, words: tuple[str, ...], cwd: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=self.folder / cwd,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=TYPING_SECONDS,
            check=False,
        )

    def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds:g}s"
            time.sleep(0.1)


@dataclass
class World(Shell):
    """A shell beside a control plane that runs in this process, with a clock of its own for the registry."""

    plane: ControlPlane = field(kw_only=True)
    clock: Clock = field(kw_only=True)

    @property
    def registry(self) -> str:
        return self.plane.record().registry


@contextmanager
def world_in(folder: Path, *, registry_port: int = 0) -> Iterator[World]:
    """A running control plane with its state in ``folder``, and a shell that is set up for it."""
    clock = Clock()
    kubeconfig = folder / "kubeconfig"
    settings = Settings(
        State(folder / "state"), api_port=0, registry_port=free_port(registry_port), kubeconfig=kubeconfig
    )
    plane = ControlPlane(settings, clock=clock)
    plane.start()
    try:
        yield World(folder, environment(folder, KUBECONFIG=str(kubeconfig)), plane=plane, clock=clock)
    finally:
        plane.stop()


def free_port(wanted: int) -> int:
    """``wanted`` if it is free, else 0: any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
    return wanted
