"""Runs the registry in threads, for a command, the control plane and the tests."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from lapstrake.errors import InputError
from lapstrake.http.serving import HttpServer, Tls, listen
from lapstrake.registry.access import BasicGate, Gate, TokenGate
from lapstrake.registry.accounts import AccountsFile
from lapstrake.registry.app import Application
from lapstrake.registry.handlers import Handlers
from lapstrake.registry.limits import Limits
from lapstrake.registry.logins import Logins
from lapstrake.registry.metrics import Metrics
from lapstrake.registry.shelf import Hold
from lapstrake.registry.store import Store
from lapstrake.registry.tokens import Tokens, signing_key
from lapstrake.registry.uploads import Uploads

_LOG = logging.getLogger("lapstrake.registry")
_THREADS = 8
_STOP_SECONDS = 1  # what broke off, a client sends again
_IDLE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Auth:
    """``users``: the file of the accounts; ``tokens``: Docker's token flow instead of passwords with each request."""

    users: str
    tokens: bool = False
    anonymous_pull: bool = False


class RunningRegistry:
    """A registry that answers at ``url`` until it is closed. Also a context manager."""

    def __init__(
        self,
        listener: socket.socket,
        store: Store,
        *,
        clock: Callable[[], float],
        sweep_seconds: float,
        gate: Gate | None,
        tls: Tls | None,
        parts: ExitStack,
    ) -> None:
        """``parts`` is closed with it."""
        self.store = store
        self.metrics = Metrics()
        self._clock = clock
        self._sweep_seconds = sweep_seconds
        self._uploads = Uploads(store, clock)
        self._parts = parts
        self._closing = threading.Event()
        threads = parts.enter_context(ThreadPoolExecutor(_THREADS, thread_name_prefix="registry write"))
        handlers = Handlers(store, self._uploads, threads)
        application = Application(handlers, self.metrics, gate, store.limits.silence)
        self._server = HttpServer(
            application,
            listener,
            "registry",
            tls=tls,
            grace=_STOP_SECONDS,
            keep_alive=_IDLE_SECONDS,
            connections=store.limits.connections,
        )
        self.host = self._server.address
        self.url = self._server.url
        self.port = int(listener.getsockname()[1])
        self._sweeping = threading.Thread(target=self._sweep, name="registry sweep", daemon=True)
        self._sweeping.start()
        try:
            self._server.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> RunningRegistry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering and wait for the threads to end."""
        self._closing.set()
        self._server.stop()
        self._sweeping.join()
        self._uploads.close()
        self._parts.close()

    def sweep(self) -> None:
        """Remove what has come to its end, as the background thread does from time to time."""
        now = self._clock()
        self.metrics.ended_tags += len(self.store.sweep(now))
        self._uploads.sweep(now)
        self.metrics.sweeps += 1

    def _sweep(self) -> None:
        while not self._closing.wait(self._sweep_seconds):
            try:
                self.sweep()
            except Exception:
                _LOG.exception("looking for what has ended failed")


def serve(
    host: str,
    port: int,
    storage_dir: str,
    *,
    clock: Callable[[], float] = time.time,
    sweep_seconds: float = 10.0,
    limits: Limits | None = None,
    auth: Auth | None = None,
    tls: Tls | None = None,
) -> RunningRegistry:
    """Start a registry with its content in ``storage_dir``; port 0 picks a free one.

    Raises InputError if the address cannot be used, another process serves the folder, or a file of
    ``auth`` or ``tls`` cannot be used. ``clock`` gives seconds and decides when tags end.
    """
    with ExitStack() as parts:
        listener = parts.enter_context(listen(host, port))
        hold = _hold(storage_dir)
        parts.callback(hold.release)
        gate = _gate(auth, storage_dir, parts) if auth is not None else None
        store = Store(storage_dir, clock, limits)
        return RunningRegistry(
            listener,
            store,
            clock=clock,
            sweep_seconds=sweep_seconds,
            gate=gate,
            tls=tls,
            parts=parts.pop_all(),
        )


def _hold(folder: str) -> Hold:
    try:
        return Hold(folder)
    except OSError as error:
        raise InputError(f"The registry cannot keep its content in '{folder}': {error.strerror}") from error


def _gate(auth: Auth, folder: str, parts: ExitStack) -> Gate:
    logins = Logins(AccountsFile(auth.users))
    parts.callback(logins.close)
    if not auth.tokens:
        return BasicGate(logins, anonymous_pull=auth.anonymous_pull)
    tokens = Tokens(signing_key(os.path.join(folder, "tokens.key")), time.time)
    return TokenGate(logins, tokens, anonymous_pull=auth.anonymous_pull)
