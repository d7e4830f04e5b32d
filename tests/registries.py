"""Registries of others to test against: Debian's docker-registry, with what a test wants of it.

with debian_registry(tmp_path) as host: ...
with debian_registry(tmp_path, htpasswd=ALICE) as host: ...          # alice, wonderland
with debian_registry(tmp_path, tls=(certificate, key)) as host: ...  # files in PEM form
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ALICE = "alice:$2y$05$abcdefghijklmnopqrstuuA0vov2GDneHB3.8.cv9UF9g.RdvScIW\n"
"""A line of an htpasswd file (bcrypt): the user alice with the password wonderland."""

_START_SECONDS = 10.0


@contextmanager
def debian_registry(
    folder: Path,
    *,
    htpasswd: str = "",
    tls: tuple[Path, Path] | None = None,
    more: Mapping[str, object] | None = None,
) -> Iterator[str]:
    """``host:port`` of a docker-registry 2.8 that allows deletions and keeps everything below ``folder``.

    ``htpasswd``: lines (bcrypt only); ``tls``: files of the certificate and its key; ``more``: sections of
    the registry's configuration, laid over ours. The test is skipped where the program is not installed.
    """
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not installed")
    home = folder / "docker-registry"
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "config.json"  # JSON is YAML
    configuration.write_text(json.dumps({**_configuration(home, htpasswd, tls), **(more or {})}))
    log = home / "log"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("REGISTRY_")}
    with open(log, "wb") as stream:
        process = subprocess.Popen(
            [program, "serve", str(configuration)], stdout=stream, stderr=stream, env=environment
        )
    try:
        yield _address(process, log)
    finally:
        process.kill()
        process.wait()


def _configuration(home: Path, htpasswd: str, tls: tuple[Path, Path] | None) -> dict[str, object]:
    http: dict[str, object] = {"addr": "127.0.0.1:0", "secret": "of the tests"}
    if tls is not None:
        http["tls"] = {"certificate": str(tls[0]), "key": str(tls[1])}
    configuration: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "info", "formatter": "json", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(home / "content")}, "delete": {"enabled": True}},
        "http": http,
    }
    if htpasswd:
        (home / "htpasswd").write_text(htpasswd)
        configuration["auth"] = {"htpasswd": {"realm": "tests", "path": str(home / "htpasswd")}}
    return configuration


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address, which the program writes into its log once it listens."""
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if found := re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text(errors="replace")):
            return found[1]
        time.sleep(0.01)
    raise AssertionError(f"docker-registry did not start:\n{log.read_text(errors='replace')}")
