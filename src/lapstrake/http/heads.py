"""Connections that do not wait for the head of an answer longer than for an answer.

A time for reading begins anew with each byte: a server that trickles could keep us for days with one status line.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _Clocked(io.RawIOBase):
    """What comes from ``raw``, until ``end`` on the clock."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self.end = float("inf")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        if time.monotonic() > self.end:
            raise TimeoutError("timed out")
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
            super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self._seconds = sock.gettimeout()
        self._clocked = _Clocked(self.fp.detach())
        self.fp = io.BufferedReader(self._clocked)

    def begin(self) -> None:
        if self._seconds:
            self._clocked.end = time.monotonic() + self._seconds
        super().begin()
        self._clocked.end = float("inf")


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _SecurePool}
"""By scheme, for urllib3's pool managers."""
