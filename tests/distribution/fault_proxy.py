"""A proxy before a real registry that misbehaves as it is told.

with fault_proxy(registry.host) as faults:
    faults.add("GET", "/blobs/", Fault(drop_answer_after=100))
    ... speak to faults.host ...
"""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PIECE = 1 << 16


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request; numbers are bytes of a body."""

    answer: bytes = b""  # all of it, in place of the registry's; {host} stands for our address
    drop_request_after: int | None = None
    flip_request_at: int | None = None
    lose_answer: bool = False  # the registry has done what was asked, but nobody hears of it
    drop_answer_after: int | None = None
    cut_answer_to: int | None = None  # with a Content-Length to match
    flip_answer_at: int | None = None
    more: bytes = b""  # after the body, with a Content-Length to match
    headers: dict[str, str] = field(default_factory=dict)  # "" removes one
    without_range: bool = False  # the registry is not told that a part was asked for
    stall_answer_after: int | None = None  # until the other side has had enough
    trickle: bool = False  # a byte now and then
    reset: bool = False  # connections that are dropped end with RST


@dataclass
class Faults:
    """``host`` is where to connect; ``asked`` the requests so far as ``METHOD path [range]``."""

    host: str
    asked: list[str] = field(default_factory=list)
    _lengths: list[tuple[str, int]] = field(default_factory=list)
    _planned: list[tuple[str, str, Fault]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, method: str, part: str, fault: Fault, times: int = 1) -> None:
        """The next ``times`` requests of that method with ``part`` in their path go wrong."""
        self._planned += [(method, part, fault)] * times

    def of(self, method: str, path: str, wanted: str, length: int) -> Fault:
        with self._lock:
            self._lengths.append((f"{method} {path}", length))
            self.asked.append(f"{method} {path} {wanted}".rstrip())
            for index, (planned_method, part, fault) in enumerate(self._planned):
                if planned_method == method and part in path:
                    del self._planned[index]
                    return fault
        return Fault()

    def count(self, method: str, part: str) -> int:
        return sum(1 for each in self.asked if each.startswith(method) and part in each)

    def lengths(self, method: str, part: str) -> list[int]:
        """What the bodies of those requests were said to have, in bytes."""
        return [length for each, length in self._lengths if each.startswith(method) and part in each]


@contextmanager
def fault_proxy(upstream: str) -> Iterator[Faults]:
    """A proxy before the registry at ``upstream`` (host and port)."""
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _relay(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            fault = faults.of(self.command, self.path, self.headers.get("Range", ""), length)
            try:
                self._misbehave(fault)
            except (OSError, http.client.HTTPException):
                self._drop(fault)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _relay

        def _misbehave(self, fault: Fault) -> None:
            if fault.answer:
                for _ in self._request_body():
                    pass
                self.connection.sendall(fault.answer.replace(b"{host}", faults.host.encode()))
                while fault.trickle and not stop.wait(0.05):
                    self.connection.sendall(b"x")
                self.close_connection = True
                return
            connection = http.client.HTTPConnection(upstream, timeout=20)
            try:
                if not self._forward(connection, fault):
                    connection.close()
                    self._drop(fault)
                    return
                response = connection.getresponse()
                if fault.lose_answer:
                    response.read()
                    self._drop(fault)
                    return
                self._answer(response, fault)
            finally:
                connection.close()

        def _forward(self, connection: http.client.HTTPConnection, fault: Fault) -> bool:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if not (fault.without_range and name == "Range"):
                    connection.putheader(name, value)
            connection.endheaders()
            sent = 0
            chunked = "chunked" in self.headers.get("Transfer-Encoding", "")
            for piece in self._request_body():
                piece = _flipped(piece, sent, fault.flip_request_at)
                if fault.drop_request_after is not None:
                    piece = piece[: fault.drop_request_after - sent]
                connection.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                sent += len(piece)
                if sent == fault.drop_request_after:
                    return False
            if chunked:
                connection.send(b"0\r\n\r\n")
            return True

        def _request_body(self) -> Iterator[bytes]:
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                while length := int(self.rfile.readline(), 16):
                    yield self.rfile.read(length)
                    self.rfile.readline()
                self.rfile.readline()
                return
            left = int(self.headers.get("Content-Length") or 0)
            while left and (piece := self.rfile.read(min(left, _PIECE))):
                left -= len(piece)
                yield piece

        def _answer(self, response: http.client.HTTPResponse, fault: Fault) -> None:
            body = response.read()
            if fault.flip_answer_at is not None:
                body = _flipped(body, 0, fault.flip_answer_at)
            body = body[: fault.cut_answer_to] + fault.more
            headers = {name.title(): value for name, value in response.headers.items()}
            if self.command != "HEAD" and "Content-Length" in headers:
                headers["Content-Length"] = str(len(body))
            self.send_response_only(response.status)
            for name, value in {**headers, **fault.headers}.items():
                if value and name.lower() not in ("connection", "date", "server"):
                    self.send_header(name, value.replace(upstream, faults.host))
            self.end_headers()
            if self.command == "HEAD":
                return
            if fault.trickle:
                while body and not stop.wait(0.05):
                    self.wfile.write(body[:1])
                    body = body[1:]
            ends = [at for at in (fault.drop_answer_after, fault.stall_answer_after) if at is not None]
            self.wfile.write(body[: min(ends, default=None)])
            if fault.drop_answer_after is not None or "Content-Length" in fault.headers:
                self._drop(fault)
            if fault.stall_answer_after is not None:
                stop.wait(10)
                self._drop(fault)

        def _drop(self, fault: Fault) -> None:
            self.close_connection = True
            if fault.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return
            try:
                self.connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a connection that a fault has ended

    with Server(("127.0.0.1", 0), Handler) as server:
        faults = Faults(f"127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield faults
        finally:
            stop.set()
            server.shutdown()
            thread.join()


def _flipped(piece: bytes, begins: int, at: int | None) -> bytes:
    """``piece``, which begins at ``begins`` of a body, with the byte ``at`` of that body changed."""
    if at is None or not begins <= at < begins + len(piece):
        return piece
    index = at - begins
    return piece[:index] + bytes([piece[index] ^ 1]) + piece[index + 1 :]


def canned(status: str, body: str = "", **headers: str) -> bytes:
    """A whole answer; ``_`` stands for ``-`` in names of headers."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", body]).encode()
