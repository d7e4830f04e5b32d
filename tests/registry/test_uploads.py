"""Uploads that break, stall, do not fit or are too many, over HTTP."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import DOCKER_MANIFEST, manifest_of
from lapstrake.registry.limits import Limits
from lapstrake.registry.server import RunningRegistry, serve
from tests.registry.conftest import Clock

MEBI = 1 << 20


class Client:
    def __init__(self, registry: RunningRegistry) -> None:
        self.registry = registry
        self._pool = urllib3.PoolManager()

    def __call__(
        self, method: str, path: str, body: bytes | None = None, **more: str
    ) -> urllib3.BaseHTTPResponse:
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        url = f"{self.registry.url}{path if path.startswith('/') else f'/v2/{path}'}"
        return self._pool.request(method, url, body=body, headers=headers, redirect=False, retries=False)

    def begin(self) -> str:
        return self("POST", "a/b/blobs/uploads/").headers["Location"]

    def put(self, data: bytes) -> urllib3.BaseHTTPResponse:
        return self("PUT", f"{self.begin()}?digest={Digest.of(data)}", data)

    def close(self) -> None:
        self._pool.clear()


@contextmanager
def serving(folder: Path, clock: Clock, **limits: float | int) -> Iterator[Client]:
    bounds = Limits(**limits)  # type: ignore[arg-type]
    with serve("127.0.0.1", 0, str(folder), clock=clock, sweep_seconds=3600, limits=bounds) as running:
        client = Client(running)
        yield client
        client.close()


def refusal(answer: urllib3.BaseHTTPResponse) -> tuple[int, str]:
    return answer.status, answer.json()["errors"][0]["code"]


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it comes true within seconds; for what another process or connection has to notice."""
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def send_part(client: Client, method: str, place: str, part: bytes, whole: int) -> socket.socket:
    """A request that says it has ``whole`` bytes and goes no further than ``part``."""
    connection = socket.create_connection(("127.0.0.1", client.registry.port))
    head = f"{method} {place} HTTP/1.1\r\nHost: {client.registry.host}\r\nContent-Length: {whole}\r\n\r\n"
    connection.sendall(head.encode() + part)
    return connection


@pytest.mark.parametrize("size", [1000, 3 * MEBI + 17], ids=lambda size: f"{size} bytes")
def test_what_came_before_a_connection_broke_is_kept(tmp_path: Path, clock: Clock, size: int) -> None:
    data = os.urandom(size + 5000)
    with serving(tmp_path, clock) as client:
        place = client.begin()
        send_part(client, "PATCH", place, data[:size], len(data)).close()
        assert eventually(lambda: client("GET", place).headers["Range"] == f"0-{size - 1}")
        rest = client("PATCH", place, data[size:], Content_Range=f"{size}-{len(data) - 1}")
        assert (rest.status, rest.headers["Range"]) == (202, f"0-{len(data) - 1}")
        assert client("PUT", f"{place}?digest={Digest.of(data)}").status == 201
        assert client("GET", f"a/b/blobs/{Digest.of(data)}").data == data


def test_broken_put_can_be_resumed(tmp_path: Path, clock: Clock) -> None:
    data = os.urandom(2 * MEBI)
    with serving(tmp_path, clock) as client:
        place = client.begin()
        address = f"{place}?digest={Digest.of(data)}"
        send_part(client, "PUT", address, data[:MEBI], len(data)).close()
        assert eventually(lambda: client("GET", place).headers["Range"] == f"0-{MEBI - 1}")
        assert client("PUT", address, data[MEBI:]).status == 201


def test_upload_that_is_under_way_waits_for_its_turn(tmp_path: Path, clock: Clock) -> None:
    data = os.urandom(2 * MEBI)
    with serving(tmp_path, clock) as client:
        place = client.begin()
        first = send_part(client, "PATCH", place, data[:MEBI], len(data))
        assert eventually(lambda: client("GET", place).headers["Range"] != "0-0")
        second = send_part(client, "PATCH", place, b"x", 1)
        first.sendall(data[MEBI:])
        assert first.recv(12) == second.recv(12) == b"HTTP/1.1 202"
        first.close()
        second.close()
        assert client("PUT", f"{place}?digest={Digest.of(data + b'x')}").status == 201


def test_silent_client_is_told_so_and_loses_nothing(tmp_path: Path, clock: Clock) -> None:
    with serving(tmp_path, clock, silence=0.2) as client:
        place = client.begin()
        connection = send_part(client, "PATCH", place, b"12345", 10)
        assert connection.recv(12) == b"HTTP/1.1 408"
        connection.close()
        assert client("GET", place).headers["Range"] == "0-4"


def test_blob_that_is_too_large(tmp_path: Path, clock: Clock) -> None:
    with serving(tmp_path, clock, blob=MEBI) as client:
        assert client.put(bytes(MEBI)).status == 201
        assert refusal(client.put(bytes(MEBI + 1))) == (413, "SIZE_INVALID")
        place = client.begin()
        assert client("PATCH", place, bytes(MEBI)).status == 202
        assert refusal(client("PATCH", place, b"1")) == (413, "SIZE_INVALID")
        assert client("GET", place).status == 404
        assert os.listdir(tmp_path / "uploads") == []


def test_blob_that_is_too_large_and_does_not_say_so(tmp_path: Path, clock: Clock) -> None:
    with serving(tmp_path, clock, blob=MEBI) as client:
        url = client.registry.url + client.begin()
        pieces = iter([bytes(MEBI // 2)] * 3)
        answer = client._pool.request("PATCH", url, body=pieces, chunked=True, retries=False)
        assert refusal(answer) == (413, "SIZE_INVALID")


def test_registry_that_is_full_refuses_and_takes_again(tmp_path: Path, clock: Clock) -> None:
    with serving(tmp_path, clock, total=3 * MEBI) as client:
        first = b"1" * (2 * MEBI)
        assert client.put(first).status == 201
        assert refusal(client.put(bytes(MEBI + 1))) == (507, "DENIED")
        place = client.begin()
        assert client("PATCH", place, bytes(MEBI // 2)).status == 202
        assert refusal(client.put(bytes(MEBI - 1))) == (507, "DENIED"), "what is coming in counts"
        assert client("DELETE", place).status == 204
        assert client("DELETE", f"a/b/blobs/{Digest.of(first)}").status == 202
        assert client.put(bytes(MEBI + 1)).status == 201
        assert len(os.listdir(tmp_path / "uploads")) == 0


def test_manifest_for_which_there_is_no_room(tmp_path: Path, clock: Clock) -> None:
    with serving(tmp_path, clock, total=100) as client:
        assert client.put(b"{}").status == 201
        answer = client("PUT", "a/b/manifests/v1", manifest_of(b"{}", []).data, Content_Type=DOCKER_MANIFEST)
        assert refusal(answer) == (507, "DENIED")


def test_disk_keeps_what_shall_stay_free(tmp_path: Path, clock: Clock) -> None:
    with serving(tmp_path, clock, free=1 << 60) as client:
        assert refusal(client.put(b"x")) == (507, "DENIED")


def test_uploads_are_bounded_in_number(tmp_path: Path, clock: Clock) -> None:
    with serving(tmp_path, clock, uploads=2) as client:
        place = client.begin()
        client.begin()
        assert refusal(client("POST", "a/b/blobs/uploads/")) == (429, "TOOMANYREQUESTS")
        client("DELETE", place)
        assert client("POST", "a/b/blobs/uploads/").status == 202


def test_failed_post_with_content_leaves_no_upload(tmp_path: Path, clock: Clock) -> None:
    with serving(tmp_path, clock, uploads=1) as client:
        for wrong in (str(Digest.of(b"x")), "nonsense", "md5:12"):
            answer = client("POST", f"a/b/blobs/uploads/?digest={wrong}", b"y")
            assert refusal(answer) == (400, "DIGEST_INVALID")
        assert client.put(b"x").status == 201


def test_second_registry_on_the_same_folder_is_refused(tmp_path: Path, clock: Clock) -> None:
    with (
        serving(tmp_path, clock),
        pytest.raises(InputError, match=f"Another registry serves '{tmp_path}' already"),
    ):
        serve("127.0.0.1", 0, str(tmp_path))
    with serving(tmp_path, clock) as client:
        assert client.put(b"x").status == 201


def test_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="The registry cannot keep its content in"):
        serve("127.0.0.1", 0, str(tmp_path / "file" / "content"))


def test_metrics_count(tmp_path: Path, clock: Clock) -> None:
    with serving(tmp_path, clock) as client:
        client.put(b"{}")
        client("PUT", "a/b/manifests/1d", manifest_of(b"{}", []).data, Content_Type=DOCKER_MANIFEST)
        client("GET", f"a/b/blobs/{Digest.of(b'{}')}")
        client("GET", "a/b/manifests/none")
        client("PROPFIND", "")
        client.begin()
        answer = client("GET", "/metrics")
        clock.now += 86400
        client.registry.sweep()
        after = client("GET", "/metrics").data.decode()
    lines = answer.data.decode().splitlines()
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    size = len(manifest_of(b"{}", []).data)
    for line in (
        'requests_total{method="GET",status="2xx"} 1',
        'requests_total{method="GET",status="4xx"} 1',
        'requests_total{method="PUT",status="2xx"} 2',
        'requests_total{method="other",status="4xx"} 1',
        f"received_bytes_total {size + 2}",
        "uploads 1",
        "stored_repositories 1",
        "stored_manifests 1",
        "stored_tags 1",
        "stored_contents 2",
        f"stored_bytes {size + 2}",
    ):
        assert f"lapstrake_registry_{line}" in lines
    for line in ("sweeps_total 1", "ended_tags_total 1", "stored_tags 0", "stored_bytes 0"):
        assert f"lapstrake_registry_{line}" in after.splitlines()


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_disk_that_is_full_is_a_refusal_and_leaves_nothing(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path, clock) as client:
        assert client.put(b"{}").status == 201
        for function in ("os.fdatasync", "lapstrake.registry.shelf.Shelf.mark"):
            with monkeypatch.context() as patched:
                patched.setattr(function, full_disk)
                assert refusal(client.put(b"another")) == (507, "DENIED")
        with monkeypatch.context() as patched:
            patched.setattr("os.fdatasync", full_disk)
            manifest = manifest_of(b"{}", []).data
            answer = client("PUT", "a/b/manifests/v1", manifest, Content_Type=DOCKER_MANIFEST)
            assert refusal(answer) == (507, "DENIED")
        assert os.listdir(tmp_path / "uploads") == []
        contents = [name for _, _, names in os.walk(tmp_path / "blobs") for name in names]
        assert contents == [Digest.of(b"{}").hex]
        assert client.registry.store.counts()["bytes"] == 2
        assert client.put(b"another").status == 201


def test_upload_that_the_disk_did_not_take_is_not_believed_the_second_time(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path, clock) as client:
        place = f"{client.begin()}?digest={Digest.of(b'x')}"
        with monkeypatch.context() as patched:
            patched.setattr("os.fdatasync", full_disk)
            assert client("PUT", place, b"x").status == 507
        assert client("PUT", place).status == 404
