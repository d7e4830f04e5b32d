"""Programs that are ended from outside, or whose output has no place: nothing half done is left, and no traceback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from lapstrake.distribution.client import RegistryClient, RegistryOptions
from lapstrake.oci.reference import Reference
from lapstrake.operations.push import PushRequest, push
from lapstrake.registry.server import serve
from tests.distribution.fault_proxy import Fault, Faults, fault_proxy

PROGRAM = "import sys; from lapstrake.cli import main; sys.exit(getattr(main, sys.argv.pop(1))())"
SECONDS = 10.0
ENDINGS = [pytest.param(signal.SIGINT, 130, id="Ctrl-C"), pytest.param(signal.SIGTERM, 143, id="SIGTERM")]


class House:
    """A registry with an image, behind a proxy that stops in the middle of its layer."""

    def __init__(self, folder: Path, host: str, faults: Faults) -> None:
        self.folder = folder
        self.host = host
        self.faults = faults
        self.image = f"{faults.host}/some/app:v1"
        content = folder / "content"
        content.mkdir()
        (content / "file").write_bytes(os.urandom(3 << 20))
        with RegistryClient(RegistryOptions(environment={})) as client:
            request = PushRequest(Reference.parse(f"{host}/some/app:v1"), [str(content)], is_bundle=False)
            self.layer = push(client, request)
        self.work = folder / "work"
        self.work.mkdir()

    def left(self) -> list[str]:
        return sorted(str(path.relative_to(self.work)) for path in self.work.rglob("*"))

    def end(self, command: Sequence[str], number: int, *, blob: int = 2) -> tuple[int, str]:
        """Status and standard error of ``command``, ended while the layer is coming in: the blob with this number."""
        self.faults.add("GET", "/blobs/", Fault(), times=blob - 1)
        self.faults.add("GET", "/blobs/", Fault(stall_answer_after=1 << 20))
        process = started(command, self.work)
        wait_until(lambda: self.faults.count("GET", "/blobs/") == blob)
        time.sleep(0.3)
        return ended(process, number)


def started(command: Sequence[str], folder: Path, **more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *command],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder), **more},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def ended(process: subprocess.Popen[bytes], number: int) -> tuple[int, str]:
    with process:
        process.send_signal(number)
        begun = time.monotonic()
        _, errors = process.communicate(timeout=60)
        assert time.monotonic() - begun < SECONDS, "whoever ends a program does not want to wait"
    return process.returncode, errors.decode()


def wait_until(condition: object) -> None:
    deadline = time.monotonic() + 30
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with (
        serve("127.0.0.1", 0, str(tmp_path / "registry"), sweep_seconds=3600) as running,
        fault_proxy(running.host) as faults,
    ):
        yield House(tmp_path, running.host, faults)


@pytest.mark.parametrize(("number", "status"), ENDINGS)
def test_pull_that_is_ended_leaves_the_former_folder(house: House, number: int, status: int) -> None:
    (house.work / "out").mkdir()
    (house.work / "out" / "former").touch()
    assert house.end(["imgpkg", "pull", "-i", house.image, "-o", "out"], number) == (status, "")
    assert house.left() == ["out", "out/former"]


@pytest.mark.parametrize(("number", "status"), ENDINGS)
def test_copy_that_is_ended_keeps_what_can_be_resumed(house: House, number: int, status: int) -> None:
    copy = ["imgpkg", "copy", "-i", house.image, "--to-tar", "images.tar"]
    assert house.end(copy, number) == (status, "")
    assert house.left() == ["images.tar.part"]


@pytest.mark.parametrize(("number", "status"), ENDINGS)
def test_copy_to_a_registry_is_ended_at_once(house: House, number: int, status: int) -> None:
    copy = ["imgpkg", "copy", "-i", house.image, "--to-repo", f"{house.host}/other/app"]
    assert house.end(copy, number) == (status, "")
    assert house.left() == []


@pytest.mark.parametrize(("number", "status"), ENDINGS)
def test_sync_that_is_ended_leaves_the_former_directory(house: House, number: int, status: int) -> None:
    config = f"""
        apiVersion: vendir.k14s.io/v1alpha1
        kind: Config
        directories: [{{path: vendor, contents: [{{path: ., image: {{url: {house.image!r}}}}}]}}]
    """
    (house.work / "vendir.yml").write_text(config)
    (house.work / "vendor").mkdir()
    (house.work / "vendor" / "former").touch()
    assert house.end(["vendir", "sync"], number, blob=1) == (status, "")
    assert house.left() == ["vendir.yml", "vendor", "vendor/former"]


@contextmanager
def mute_server() -> Iterator[tuple[str, threading.Event]]:
    """Takes connections and says nothing; the event tells of the first."""
    asked = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with ExitStack() as taken:
                try:
                    while True:
                        taken.enter_context(server.accept()[0])
                        asked.set()
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_kbld_that_is_ended_says_nothing(tmp_path: Path) -> None:
    with mute_server() as (host, asked):
        (tmp_path / "pod.yml").write_text(f"image: {host}/some/app\n")
        process = started(["kbld", "-f", "pod.yml"], tmp_path)
        assert asked.wait(30)
        assert ended(process, signal.SIGTERM) == (143, "")


def test_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    with mute_server() as (host, asked):
        command = [sys.executable, "-c", PROGRAM, "imgpkg", "tag", "list", "-i", f"{host}/some/app"]
        process = subprocess.Popen(["nohup", *command], stderr=subprocess.DEVNULL, cwd=tmp_path)
        with process:
            assert asked.wait(30)
            process.send_signal(signal.SIGHUP)
            time.sleep(0.3)
            assert process.poll() is None
            process.kill()


@pytest.mark.parametrize("command", [["imgpkg", "version"], ["vendir", "--help"], ["ytt", "version"]])
def test_output_for_which_there_is_no_room_is_an_error(tmp_path: Path, command: Sequence[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *command], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr.decode() == f"{command[0]}: Error: Writing output: no space left on device\n"


@pytest.mark.parametrize("command", ["imgpkg version", "vendir --help", "ytt version"])
def test_closed_output_leads_nowhere(tmp_path: Path, command: str) -> None:
    program = f'exec "$0" -c "$1" {command} >&- <&-'
    done = subprocess.run(
        ["sh", "-c", program, sys.executable, PROGRAM], stderr=subprocess.PIPE, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_reader_that_goes_away_ends_a_program_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", PROGRAM, "imgpkg", "--help"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        pytest.param(
            "push -i {host}/other/app -f ../content",
            "Writing the layer to a temporary file in '{work}': file too large",
            id="push",
        ),
        pytest.param(
            "pull -i {host}/some/app:v1 -o out",
            "Extracting image into directory: open out/file: file too large",
            id="pull",
        ),
        pytest.param(
            "copy -i {host}/some/app:v1 --to-tar a.tar", "Writing tar a.tar: file too large", id="copy"
        ),
    ],
)
def test_disk_that_is_full_is_a_clean_error(house: House, command: str, message: str) -> None:
    """Files of more than a MiB stand for a full disk."""
    (house.folder / "content" / "more").write_bytes(os.urandom(3 << 20))  # a layer that needs a file
    program = f'ulimit -f 1024; exec "$0" -c "$1" imgpkg {command.format(host=house.host)}'
    done = subprocess.run(
        ["bash", "-c", program, sys.executable, PROGRAM],
        env={**os.environ, "TMPDIR": str(house.work)},
        cwd=house.work,
        capture_output=True,
        text=True,
        check=False,
    )
    expected = message.format(work=house.work)
    assert done.returncode == 1
    assert " ".join(done.stderr.split()) == f"imgpkg: Error: {expected}"
    assert [path for path in house.left() if not path.endswith(".part")] == []
