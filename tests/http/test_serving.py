"""How a server starts, ends, and what it takes from strangers before any application sees it."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lapstrake.errors import InputError
from lapstrake.http import connections
from lapstrake.http.serving import HttpServer, Tls, address_of, listen
from tests.distribution.certificates import self_signed


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the path, after the body has come."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


@contextmanager
def serving(**options: Any) -> Iterator[HttpServer]:
    server = HttpServer(application, listen("127.0.0.1", 0), "test", grace=1, keep_alive=5, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def connected(server: HttpServer) -> socket.socket:
    host, _, port = server.address.rpartition(":")
    return socket.create_connection((host, int(port)), 10)


def get(server: HttpServer, path: str = "/hello", context: ssl.SSLContext | None = None) -> tuple[int, bytes]:
    connection = (
        http.client.HTTPSConnection(server.address, context=context)
        if context
        else http.client.HTTPConnection(server.address)
    )
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_requests_are_answered_from_start_to_stop() -> None:
    with serving() as server:
        assert get(server) == (200, b"/hello")
        assert server.url == f"http://{server.address}"
    with pytest.raises(ConnectionError):
        get(server)
    assert not [thread for thread in threading.enumerate() if thread.name == "test"]


def test_port_in_use() -> None:
    with serving() as server, pytest.raises(InputError) as caught:
        listen("127.0.0.1", int(server.address.rpartition(":")[2]))
    assert str(caught.value) == f"listen tcp {server.address}: address already in use"


def test_address_of_a_host_by_number() -> None:
    with listen("::1", 0) as listener:
        assert address_of(listener) == f"[::1]:{listener.getsockname()[1]}"


def test_tls(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    context = ssl.create_default_context(cafile=str(certificate.path))
    with serving(tls=Tls(str(certificate.path), str(certificate.key))) as server:
        assert server.url.startswith("https://")
        assert get(server, context=context) == (200, b"/hello")


def test_idle_client_does_not_hold_up_the_end(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    context = ssl.create_default_context(cafile=str(certificate.path))
    with serving(tls=Tls(str(certificate.path), str(certificate.key))) as server:
        client = http.client.HTTPSConnection(server.address, context=context)
        client.request("GET", "/")
        client.getresponse().read()
        begun = time.monotonic()
    assert time.monotonic() - begun < 3
    client.close()


def test_certificate_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("nothing")
    listener = listen("127.0.0.1", 0)
    tls = Tls(str(tmp_path / "c"), str(tmp_path / "k"))
    server = HttpServer(application, listener, "test", tls=tls, grace=1, keep_alive=5)
    with pytest.raises(InputError, match="cannot be used"):
        server.start()
    server.stop()
    assert listener.fileno() == -1


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        pytest.param(b"GET /v2/", b"a" * 65536, id="address"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"a" * 65536, id="header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n", b"X-A: b\r\n" * 8192, id="headers"),
        pytest.param(
            b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n" * 8192, id="trailers"
        ),
    ],
)
def test_heads_without_end_are_cut(head: bytes, piece: bytes) -> None:
    with serving() as server:
        with connected(server) as client:
            client.sendall(head)
            with pytest.raises(ConnectionError):
                client.sendall(piece * 512)  # 32 MiB
        assert get(server)[0] == 200


def test_heads_that_take_too_long_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.1)
    with serving() as server:
        for head in (b"", b"GET / HTTP/1.1\r\nHost:"):
            with connected(server) as client:
                client.sendall(head)
                assert client.recv(1) == b""


def test_body_may_take_longer_than_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.1)
    with serving() as server, connected(server) as client:
        client.sendall(b"PUT /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n1")
        time.sleep(0.3)
        client.sendall(b"2")
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_connections_beyond_the_most_are_told_to_wait() -> None:
    with serving(connections=2) as server, connected(server) as first:
        first.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert get(server)[0] == 503
