"""A registry that is killed at any moment: what it had answered is there afterwards, and nothing is wrong."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from lapstrake.oci.digest import Digest
from lapstrake.registry.server import serve

IMAGE = "application/vnd.oci.image.manifest.v1+json"
SERVER = """
import sys
from lapstrake.registry.server import serve
running = serve("127.0.0.1", 0, sys.argv[1])
print(running.url, flush=True)
sys.stdin.read()
"""


@contextmanager
def child(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().decode().strip(), process
        finally:
            process.kill()


def push_images(url: str, worker: int, done: dict[str, bytes]) -> None:
    """Push image after image until the server is gone; ``done``: what was answered with 201."""
    numbers = random.Random(worker)
    with urllib3.PoolManager(retries=False) as pool:
        for count in range(10_000):
            layer = numbers.randbytes(numbers.choice([10, 70_000, 1_500_000]))
            config = json.dumps({"image": f"{worker}-{count}"}).encode()
            try:
                for data in (layer, config):
                    push_blob(pool, url, data)
                    done[f"blobs/{Digest.of(data)}"] = data
                manifest = image(config, layer)
                answer = pool.request(
                    "PUT",
                    f"{url}/v2/app/manifests/v{worker}-{count}",
                    body=manifest,
                    headers={"Content-Type": IMAGE},
                )
                assert answer.status == 201
                done[f"manifests/v{worker}-{count}"] = manifest
                done[f"manifests/{Digest.of(manifest)}"] = manifest
            except urllib3.exceptions.HTTPError:
                return


def push_blob(pool: urllib3.PoolManager, url: str, data: bytes) -> None:
    place = pool.request("POST", f"{url}/v2/app/blobs/uploads/").headers["Location"]
    half = len(data) // 2
    pool.request("PATCH", url + place, body=data[:half])
    answer = pool.request("PUT", f"{url}{place}?digest={Digest.of(data)}", body=data[half:])
    assert answer.status == 201


def image(config: bytes, layer: bytes) -> bytes:
    described = [
        {"mediaType": "application/octet-stream", "size": len(data), "digest": str(Digest.of(data))}
        for data in (config, layer)
    ]
    return json.dumps({"schemaVersion": 2, "config": described[0], "layers": described[1:]}).encode()


@pytest.mark.parametrize("milliseconds", [80, 150, 260, 390])
def test_kill_in_the_middle_of_pushes(tmp_path: Path, milliseconds: int) -> None:
    done: dict[str, bytes] = {}
    with child(tmp_path) as (url, process):
        threads = [threading.Thread(target=push_images, args=(url, worker, done)) for worker in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join()
    with serve("127.0.0.1", 0, str(tmp_path)) as again, urllib3.PoolManager() as pool:
        for path, data in done.items():
            answer = pool.request("GET", f"{again.url}/v2/app/{path}")
            assert (answer.status, answer.data == data) == (200, True), path
        again.sweep()
        kept = sum(1 for path in done if path.startswith("manifests/v"))
        assert kept <= again.store.counts()["tags"] <= kept + 3
    check_files(tmp_path)


def check_files(folder: Path) -> None:
    """Nothing half done is left, and all content is what its name says."""
    for file in (folder / "blobs").glob("*/*"):
        assert hashlib.sha256(file.read_bytes()).hexdigest() == file.name
    assert list((folder / "uploads").iterdir()) == []


def test_kill_in_the_middle_of_an_upload(tmp_path: Path) -> None:
    with child(tmp_path) as (url, process), urllib3.PoolManager() as pool:
        place = pool.request("POST", f"{url}/v2/app/blobs/uploads/").headers["Location"]
        pool.request("PATCH", url + place, body=bytes(3 << 20))
        assert [file.stat().st_size for file in (tmp_path / "uploads").iterdir()] == [3 << 20]
        process.send_signal(signal.SIGKILL)
    with serve("127.0.0.1", 0, str(tmp_path)) as again, urllib3.PoolManager() as pool:
        assert pool.request("GET", again.url + place).status == 404
        assert again.store.counts()["bytes"] == 0
    check_files(tmp_path)


def test_second_process_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    from lapstrake.errors import InputError

    with child(tmp_path) as (_, process):
        with pytest.raises(InputError, match="Another registry serves"):
            serve("127.0.0.1", 0, str(tmp_path))
        process.send_signal(signal.SIGKILL)
        process.wait()
        serve("127.0.0.1", 0, str(tmp_path)).close()


def test_memory_stays_flat_while_blobs_go_up_and_down(tmp_path: Path) -> None:
    size, piece = 160 << 20, bytes(1 << 20)
    digest = hashlib.sha256()
    for _ in range(size >> 20):
        digest.update(piece)
    with child(tmp_path) as (url, process), urllib3.PoolManager(maxsize=4, timeout=60) as pool:
        at_rest = peak_memory(process.pid)

        def put() -> None:
            place = pool.request("POST", f"{url}/v2/app/blobs/uploads/").headers["Location"]
            answer = pool.request(
                "PUT",
                f"{url}{place}?digest=sha256:{digest.hexdigest()}",
                body=(piece for _ in range(size >> 20)),
                headers={"Content-Length": str(size)},
            )
            assert answer.status == 201

        threads = [threading.Thread(target=put) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answer = pool.request("GET", f"{url}/v2/app/blobs/sha256:{digest.hexdigest()}", preload_content=False)
        assert sum(map(len, answer.stream(1 << 20))) == size
        assert peak_memory(process.pid) - at_rest < 32 << 20
        assert peak_memory(process.pid) < 80 << 20


def peak_memory(pid: int) -> int:
    """Bytes that the process had resident at its peak."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) << 10
