"""Ways to a plain server of the tests that are not the plain way: TLS, both on one port, a proxy."""

from __future__ import annotations

import base64
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Serve = Callable[[socket.socket], None]


@contextmanager
def door(
    host: str, *, tls: ssl.SSLContext | None, plain: bool = False, silent: bool = False
) -> Iterator[str]:
    """``host:port`` that leads to the server at ``host`` by TLS, and without if ``plain`` is set.

    ``silent``: a TLS hello is heard and never answered.
    """

    def serve(client: socket.socket) -> None:
        hello = client.recv(1, socket.MSG_PEEK) == b"\x16"
        if hello and silent:
            client.recv(1 << 16)
            client.recv(1)  # until the other side has had enough
        elif hello and tls:
            with tls.wrap_socket(client, server_side=True) as opened, _connected(host) as server:
                _join(opened, server)
        elif hello or plain:
            with _connected(host) as server:
                _join(client, server)

    with _listening(serve) as address:
        yield address


@contextmanager
def proxy(upstream: str = "", *, login: str = "") -> Iterator[tuple[str, list[str]]]:
    """(host:port, what it was asked: ``METHOD target``) of a proxy for CONNECT and plain requests.

    ``upstream`` is where all of them lead, whatever was asked for; ``login`` is ``name:password`` if one is needed.
    """
    asked: list[str] = []
    expected = b"Basic " + base64.b64encode(login.encode())

    def serve(client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and (piece := client.recv(1 << 16)):
            head += piece
        method, target, _ = head.split(b"\r\n")[0].split(b" ")
        asked.append(f"{method.decode()} {target.decode()}")
        if login and expected not in head:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        with _connected(upstream or target.decode()) as server:
            if method == b"CONNECT":
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                server.sendall(head)
            _join(client, server)

    with _listening(serve) as address:
        yield address, asked


@contextmanager
def _listening(serve: Serve) -> Iterator[str]:
    def one(client: socket.socket) -> None:
        with client:
            try:
                client.settimeout(10)
                serve(client)
            except (OSError, ValueError):
                pass

    def loop() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _connected(host: str) -> socket.socket:
    name, _, port = host.rpartition(":")
    return socket.create_connection((name, int(port)), 10)


def _join(one: socket.socket, other: socket.socket) -> None:
    """Carries bytes both ways until a side ends.

    In one thread: a TLS connection breaks when two threads read and write it at once.
    """
    across = {one: other, other: one}
    while True:
        held = [end for end in across if isinstance(end, ssl.SSLSocket) and end.pending()]
        readable, _, _ = select.select([*across], [], [], 0 if held else 10)
        if not held and not readable:
            return
        for source in {*held, *readable}:
            piece = source.recv(1 << 16)
            if not piece:
                return
            across[source].sendall(piece)
