#!/usr/bin/env python3
"""Times our imgpkg against another one, between registries that it starts.

    bench/images.py [--size MIB] [--images N] [--layers N] [--rounds N] [--only NAME ...] [--registries A,B ...] [IMGPKG]

IMGPKG is another ``imgpkg`` binary; without it, only our own numbers are shown. Ours is the ``imgpkg`` beside
the interpreter that runs this file.

``up`` pushes a folder with one file of random bytes, ``down`` pulls that image, ``across`` copies it to the second
registry, ``many`` copies images of many small layers by a lock file. Each round runs both programs right after
each other on new repositories; a row has the median of the wall times, of the rounds' ratios (ours / theirs),
the rate, the CPU of the whole process and the highest peak of memory. Below the rows stands the peak of each
registry's process. A registry is ``ours`` (``lapstrake registry serve``) or ``debian`` (``docker-registry``).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
LAYER_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class Run:
    """One process: wall time and CPU in seconds, peak memory in MiB."""

    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True, slots=True)
class Registry:
    kind: str
    host: str
    process: int

    @property
    def peak(self) -> float:
        """The most memory that its process had so far, in MiB."""
        status = Path(f"/proc/{self.process}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


# -- registries


@contextmanager
def running(kind: str, folder: Path) -> Iterator[Registry]:
    folder.mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    if kind == "debian":
        configuration = {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(folder)}, "delete": {"enabled": True}},
            "http": {"addr": host},
        }
        (folder / "config.json").write_text(json.dumps(configuration))
        command = ["docker-registry", "serve", str(folder / "config.json")]
    else:
        port = host.rpartition(":")[2]
        command = [str(BIN / "lapstrake"), "registry", "serve", "--port", port, "--storage", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_answer(f"http://{host}/v2/")
        yield Registry(kind, host, process.pid)
    finally:
        process.kill()
        process.wait()


def await_answer(url: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(url).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"no registry at {url}")


def sent(method: str, url: str, data: bytes = b"", media_type: str = "application/octet-stream") -> str:
    """The Location of the answer."""
    request = urllib.request.Request(url, data, {"Content-Type": media_type}, method=method)
    with urllib.request.urlopen(request) as answer:
        return str(answer.headers.get("Location", ""))


def push_blob(host: str, repository: str, data: bytes) -> dict[str, object]:
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    location = sent("POST", f"http://{host}/v2/{repository}/blobs/uploads/")
    location = location if "://" in location else f"http://{host}{location}"
    sent("PUT", f"{location}{'&' if '?' in location else '?'}digest={digest}", data)
    return {"size": len(data), "digest": digest}


def push_images(host: str, repository: str, images: int, layers: int) -> str:
    """Images of small layers, no two alike; gives a lock file that names them."""
    oci = "application/vnd.oci.image."
    lines = ["apiVersion: imgpkg.carvel.dev/v1alpha1", "kind: ImagesLock", "images:"]
    for _ in range(images):
        described = [push_blob(host, repository, os.urandom(LAYER_BYTES)) for _ in range(layers)]
        diff_ids = [layer["digest"] for layer in described]
        config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{oci}manifest.v1+json",
            "config": {
                "mediaType": f"{oci}config.v1+json",
                **push_blob(host, repository, json.dumps(config).encode()),
            },
            "layers": [{"mediaType": f"{oci}layer.v1.tar+gzip", **layer} for layer in described],
        }
        data = json.dumps(manifest).encode()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        sent("PUT", f"http://{host}/v2/{repository}/manifests/{digest}", data, f"{oci}manifest.v1+json")
        lines.append(f"- image: {host}/{repository}@{digest}")
    return "\n".join(lines) + "\n"


# -- measuring


def measured(command: Sequence[str]) -> Run:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    began = time.monotonic()
    child = os.posix_spawnp(command[0], list(command), environment, file_actions=quiet)
    _, status, usage = os.wait4(child, 0)
    wall = time.monotonic() - began
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"failed: {' '.join(command)}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


class Bench:
    """One pair of registries and the programs that are compared on it."""

    def __init__(self, first: Registry, second: Registry, programs: Sequence[str], folder: Path) -> None:
        self._first = first
        self._second = second
        self._programs = programs
        self._folder = folder

    def command(self, name: str, program: str, number: int) -> list[str]:
        """The command of one run; ``number`` makes its repositories new."""
        one, two = f"{self._first.host}/bench", f"{self._second.host}/bench"
        new = f"{name}-{number}-{self._programs.index(program)}"
        words = {
            "up": ["push", "-i", f"{one}/{new}", "-f", str(self._folder / "in")],
            "down": ["pull", "-i", f"{one}/given", "-o", str(self._folder / "out")],
            "across": ["copy", "-i", f"{one}/given", "--to-repo", f"{two}/{new}"],
            "many": ["copy", "--lock", str(self._folder / "images.yml"), "--to-repo", f"{two}/{new}"],
        }
        return [program, *words[name]]

    def row(self, name: str, rounds: int, size: int) -> str:
        """A line of the table; ``size`` is what is moved, in bytes."""
        runs: dict[str, list[Run]] = {program: [] for program in self._programs}
        for number in range(rounds):
            # they take turns at being first, since the first finds colder caches
            for program in self._programs if number % 2 else reversed(self._programs):
                runs[program].append(measured(self.command(name, program, number)))
                shutil.rmtree(self._folder / "out", ignore_errors=True)
        texts = [f"{self._first.kind + ' > ' + self._second.kind:<16} {name:<7}"]
        for program in self._programs:
            wall = statistics.median(run.wall for run in runs[program])
            cpu = statistics.median(run.cpu for run in runs[program])
            memory = max(run.memory for run in runs[program])
            texts.append(f"{wall:7.2f} {size / wall / 1e6:6.0f} {cpu:6.2f} {memory:6.0f}")
        if len(self._programs) == 2:
            pairs = zip(*(runs[program] for program in self._programs), strict=True)
            texts.append(f"{statistics.median(ours.wall / theirs.wall for ours, theirs in pairs):6.2f}")
        return "  ".join(texts)


def write_random(path: Path, mebibytes: int) -> None:
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(1 << 20))


def compare(kinds: str, options: argparse.Namespace, folder: Path) -> None:
    programs = [str(BIN / "imgpkg"), *options.others]
    first_kind, _, second_kind = kinds.partition(",")
    write_random(folder / "in" / "random", options.size)
    with ExitStack() as stack:
        first = stack.enter_context(running(first_kind, folder / "first"))
        second = stack.enter_context(running(second_kind or first_kind, folder / "second"))
        bench = Bench(first, second, programs, folder)
        names = options.only or ["up", "down", "across", "many"]
        if {"down", "across"} & set(names):
            given = ["push", "-i", f"{first.host}/bench/given", "-f", str(folder / "in")]
            measured([programs[-1], *given])
        if "many" in names:
            lock = push_images(first.host, "bench/many", options.images, options.layers)
            (folder / "images.yml").write_text(lock)
        for name in names:
            size = options.images * options.layers * LAYER_BYTES if name == "many" else options.size << 20
            print(bench.row(name, options.rounds, size), flush=True)
        for registry in (first, second):
            print(f"  peak memory of {registry.kind}: {registry.peak:.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description="Times our imgpkg against another one.")
    parser.add_argument("others", nargs="*", metavar="IMGPKG", help="another imgpkg binary to compare with")
    parser.add_argument("--size", type=int, default=2048, metavar="MIB")
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--layers", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", default=[], choices=["up", "down", "across", "many"])
    parser.add_argument("--registries", action="append", default=[], metavar="A,B", help="debian or ours")
    options = parser.parse_args()
    if len(options.others) > 1:
        parser.error("one other program at most")
    print(
        f"{'registries':<16} {'':<7}      s   MB/s  CPU s    MB"
        + "       s   MB/s  CPU s    MB   ratio" * len(options.others)
    )
    for kinds in options.registries or ["debian", "ours"]:
        if not re.fullmatch(r"(debian|ours)(,(debian|ours))?", kinds):
            parser.error(f"--registries takes debian or ours, not {kinds}")
        with tempfile.TemporaryDirectory(prefix="bench-images-") as scratch:
            compare(kinds, options, Path(scratch))


if __name__ == "__main__":
    main()
