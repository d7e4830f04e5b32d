"""A place in which the commands of the guide can be typed: its files, a registry, a cluster, a shell."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lapstrake.embedded.plane import ControlPlane, Settings
from lapstrake.embedded.state import State

SHARED = Path(__file__).parents[3] / "shared"
GUIDE = SHARED / "reference" / "guide"
PACKAGES = SHARED / "reference" / "packages"
RECORDED_REGISTRY = "127.0.0.1:5600"


class Clock:
    """Seconds since 1970, which a test can move."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class World:
    """``registry`` stands for the recorded address, in the guide's files and in what was recorded."""

    folder: Path
    plane: ControlPlane
    clock: Clock
    registry: str
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def same_address(self) -> bool:
        """Whether digests of content that names the registry are the recorded ones."""
        return self.registry == RECORDED_REGISTRY

    def recorded(self, path: str) -> str:
        return (GUIDE / path).read_text().replace(RECORDED_REGISTRY, self.registry)

    def run(self, *words: str, cwd: str = ".", status: int = 0) -> str:
        """Type a command; its stdout. What it says on stderr belongs to the failure of the assertion."""
        done = subprocess.run(words, cwd=self.folder / cwd, env=self.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == status, f"{' '.join(words)}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def fails(self, *words: str, cwd: str = ".") -> str:
        """Type a command that must fail with exit status 1; its stderr, which holds no traceback."""
        done = subprocess.run(words, cwd=self.folder / cwd, env=self.environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 1, f"{' '.join(words)}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stderr

    def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds:g}s"
            time.sleep(0.1)


def _port(wanted: int) -> int:
    """``wanted`` if it is free, else any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
    return wanted


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if not GUIDE.is_dir():
        pytest.skip(f"the guide's files are not beside the project ({GUIDE.name} in ../shared/reference)")
    folder = tmp_path_factory.mktemp("guide")
    clock = Clock()
    plane = ControlPlane(
        Settings(state=State(folder / "state"), api_port=0, registry_port=_port(5600), kubeconfig=folder / "kubeconfig"), clock=clock
    )
    plane.start()
    try:
        registry = plane.record().registry
        _copy(folder, registry)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("IMGPKG_", "KBLD_", "VENDIR_"))},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "KUBECONFIG": str(folder / "kubeconfig"),
            "HOME": str(folder / "home"),
        }
        yield World(folder, plane, clock, registry, environment)
    finally:
        plane.stop()


def _copy(folder: Path, registry: str) -> None:
    """The guide's files with our registry's address."""
    shutil.copytree(GUIDE / "in", folder, dirs_exist_ok=True)
    shutil.copytree(GUIDE / "repo", folder / "repo")
    shutil.copytree(PACKAGES, folder / "packages")
    # The files beside the project may be read-only; whether they are executable is part of a bundle's digest.
    for place in folder.rglob("*"):
        place.chmod(place.stat().st_mode | 0o200)
    for file in folder.rglob("*.y*ml"):
        if RECORDED_REGISTRY in (text := file.read_text()):
            file.write_text(text.replace(RECORDED_REGISTRY, registry))


def kubectl() -> str | None:
    return shutil.which("kubectl")
