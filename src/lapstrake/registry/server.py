"""Runs the registry in a thread, for a command, the lab and the tests."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import uvicorn

from lapstrake.errors import InputError
from lapstrake.registry.app import application
from lapstrake.registry.store import Store
from lapstrake.registry.uploads import Uploads

_BACKLOG = 256
_START_SECONDS = 10.0


class RunningRegistry:
    """A registry that answers at ``url`` until it is closed. Also a context manager."""

    def __init__(
        self, listener: socket.socket, store: Store, clock: Callable[[], float], sweep_seconds: float
    ) -> None:
        host, port = listener.getsockname()[:2]
        self.host = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.url = f"http://{self.host}"
        self.port = int(port)
        self.store = store
        self._clock = clock
        self._sweep_seconds = sweep_seconds
        self._uploads = Uploads(store, clock)
        self._closing = threading.Event()
        config = uvicorn.Config(
            application(store, self._uploads),
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._threads = [
            threading.Thread(target=self._server.run, args=([listener],), name="registry", daemon=True),
            threading.Thread(target=self._sweep, name="registry sweep", daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self._await_start()

    def __enter__(self) -> RunningRegistry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering and wait for the threads to end."""
        self._closing.set()
        self._server.should_exit = True
        for thread in self._threads:
            thread.join()
        self._uploads.close()

    def sweep(self) -> None:
        """Remove what has come to its end, as the background thread does from time to time."""
        now = self._clock()
        self.store.sweep(now)
        self._uploads.sweep(now)

    def _sweep(self) -> None:
        while not self._closing.wait(self._sweep_seconds):
            self.sweep()

    def _await_start(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started and self._threads[0].is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)
        if not self._server.started:
            self.close()
            raise InputError(f"The registry could not be started at {self.host}")


def serve(
    host: str,
    port: int,
    storage_dir: str,
    *,
    clock: Callable[[], float] = time.time,
    sweep_seconds: float = 10.0,
) -> RunningRegistry:
    """Start a registry with its content in ``storage_dir``; port 0 picks a free one.

    Raises InputError if the address cannot be used. ``clock`` gives seconds and decides when tags end.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sends without delay only on sockets that say that they are TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        store = Store(storage_dir, clock)
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"listen tcp {host}:{port}: {reason}") from error
    return RunningRegistry(listener, store, clock, sweep_seconds)
