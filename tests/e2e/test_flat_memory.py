"""A large layer goes through imgpkg in pieces, whichever way it goes."""

from __future__ import annotations

import filecmp
import os
import subprocess
import sys
from pathlib import Path

from lapstrake.registry.server import serve
from tests.e2e.world import PROGRAMS, environment

SIZE = 160 << 20
MOST = 120 << 20


MEASURED = """
import os, resource, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
status = os.waitstatus_to_exitcode(os.wait4(child, 0)[1])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def peak_memory(folder: Path, *words: str) -> int:
    """Bytes that imgpkg had resident at its peak, while it did well.

    A small process starts it, because what starts a process counts towards its peak.
    """
    command = [sys.executable, "-I", "-c", MEASURED, str(PROGRAMS / "imgpkg"), *words]
    done = subprocess.run(command, env=environment(folder), stdout=subprocess.PIPE, check=True)
    return int(done.stdout) << 10


def test_layer_larger_than_memory_may_be(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with (tmp_path / "in" / "random").open("wb") as file:
        for _ in range(SIZE >> 20):
            file.write(os.urandom(1 << 20))
    with (
        serve("127.0.0.1", 0, str(tmp_path / "one")) as one,
        serve("127.0.0.1", 0, str(tmp_path / "two")) as two,
    ):
        here, there, back = f"{one.host}/big:v1", f"{two.host}/big", f"{two.host}/back"
        tar, out = str(tmp_path / "big.tar"), str(tmp_path / "out")
        assert peak_memory(tmp_path, "push", "-i", here, "-f", str(tmp_path / "in")) < MOST
        assert peak_memory(tmp_path, "copy", "-i", here, "--to-repo", there) < MOST
        assert peak_memory(tmp_path, "copy", "-i", f"{there}:v1", "--to-tar", tar) < MOST
        assert peak_memory(tmp_path, "copy", "--tar", tar, "--to-repo", back) < MOST
        assert peak_memory(tmp_path, "pull", "-i", f"{back}:v1", "-o", out) < MOST
    assert filecmp.cmp(tmp_path / "in" / "random", tmp_path / "out" / "random", shallow=False)
