"""An ASGI application as a server inside a program: its socket, its thread, and how it ends."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any

import uvicorn

from lapstrake.errors import InputError
from lapstrake.http.connections import BoundedProtocol

_BACKLOG = 256
_START_SECONDS = 10.0
_FAREWELL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM form."""

    certificate: str
    key: str


def listen(host: str, port: int) -> socket.socket:
    """A socket that waits for connections; port 0 picks a free one. Raises InputError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sends without delay only on sockets that say that they are TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"listen tcp {host}:{port}: {reason}") from error
    return listener


def address_of(listener: socket.socket) -> str:
    """``host:port``."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class HttpServer:
    """Serves from ``start()`` to ``stop()``, in a thread called ``name``, once.

    ``grace``: seconds that requests under way have at the end. ``keep_alive``: seconds that a connection may be idle.
    ``connections``: how many there may be; those beyond get 503.
    """

    def __init__(
        self,
        application: Any,
        listener: socket.socket,
        name: str,
        *,
        tls: Tls | None = None,
        grace: int,
        keep_alive: int,
        connections: int | None = None,
    ) -> None:
        self.address = address_of(listener)
        self.url = f"{'https' if tls else 'http'}://{self.address}"
        self._name = name
        self._tls = tls
        self._listener = listener
        self._settled = threading.Event()
        self._server = _Uvicorn(
            uvicorn.Config(
                application,
                http=BoundedProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=grace,
                timeout_keep_alive=keep_alive,
                limit_concurrency=connections,
                ssl_certfile=tls.certificate if tls else None,
                ssl_keyfile=tls.key if tls else None,
            ),
            self._settled,
        )
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Returns when requests are answered. Raises InputError, for a certificate that cannot be used say."""
        if self._tls is not None:
            _check(self._tls)
        self._thread.start()
        self._settled.wait(_START_SECONDS)
        if not self._server.started:
            self.stop()
            raise InputError(f"The {self._name} could not be started at {self.address}")

    def stop(self) -> None:
        """Returns when the last request has ended."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        try:
            self._server.run([self._listener])
        finally:
            self._settled.set()


class _Uvicorn(uvicorn.Server):
    """Tells when it listens, and does not wait for clients when it ends."""

    def __init__(self, config: uvicorn.Config, listening: threading.Event) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """A closed TLS connection waits for its peer's farewell, which an idle client never sends: cut it."""
        ended = asyncio.ensure_future(super().shutdown(sockets))
        closing: dict[Any, float] = {}
        while not ended.done():
            moment = time.monotonic()
            for connection in list(self.server_state.connections):
                transport = connection.transport
                if (
                    transport.is_closing()
                    and moment - closing.setdefault(transport, moment) > _FAREWELL_SECONDS
                ):
                    transport.abort()
            await asyncio.sleep(_FAREWELL_SECONDS / 4)
        await ended


def _check(tls: Tls) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"The certificate '{tls.certificate}' and its key '{tls.key}' cannot be used: {error.strerror or error}"
        ) from error
