"""The API server as one thing that can be started and stopped inside a program."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import uvicorn

from lapstrake.apiserver import jobs, tables
from lapstrake.apiserver.access import Access, Authenticator, Authorizer, Everybody
from lapstrake.apiserver.admission import Admit
from lapstrake.apiserver.answers import Answers
from lapstrake.apiserver.background import Background, Controller
from lapstrake.apiserver.builtin import builtin_types
from lapstrake.apiserver.crds import DEFINITIONS, Cleanup, Definitions
from lapstrake.apiserver.crud import Crud
from lapstrake.apiserver.deletion import PODS, Deletion
from lapstrake.apiserver.endpoints import EndpointsController
from lapstrake.apiserver.escalation import Escalation
from lapstrake.apiserver.garbage import GarbageCollector
from lapstrake.apiserver.namespaces import Namespaces, prepare
from lapstrake.apiserver.objects import Objects
from lapstrake.apiserver.openapi import Documents
from lapstrake.apiserver.patching import Patching
from lapstrake.apiserver.pods import Pods
from lapstrake.apiserver.rbac import Rbac
from lapstrake.apiserver.reading import NAMESPACES
from lapstrake.apiserver.resources import Registry, Served, View, served_builtin
from lapstrake.apiserver.reviews import Reviews, Tokens
from lapstrake.apiserver.server import Server
from lapstrake.apiserver.services import Services
from lapstrake.apiserver.store import Collection, Store
from lapstrake.apiserver.times import now
from lapstrake.errors import ClusterError

_START_SECONDS = 10.0
_STOP_SECONDS = 5
_FAREWELL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM form; ``authority`` is the text that clients and Pods trust."""

    certificate: str
    key: str
    authority: str = ""


class ApiServer:
    """A Kubernetes-compatible API server over ``store``, which stays the caller's to close.

    Hooks are added to ``objects.hooks`` before ``start()``.
    """

    def __init__(
        self,
        store: Store,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: Tls | None = None,
        authenticator: Authenticator | None = None,
        authorizer: Authorizer | None = None,
        tokens: Tokens | None = None,
        views: Sequence[View] = (),
        hooks: Sequence[Admit] = (),
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.store = store
        self._host, self._port, self._tls = host, port, tls
        self.registry = Registry([served_builtin(builtin) for builtin in builtin_types()], views)
        self.objects = Objects(store, self.registry, clock)
        self.objects.hooks.extend(hooks)
        self.deletion = Deletion(self.objects)
        definitions = Definitions(store, self.registry, clock)
        self.objects.preparations[NAMESPACES] = prepare
        self.objects.preparations[DEFINITIONS] = definitions.prepare
        self.objects.preparations[PODS] = Pods(store).prepare
        self.objects.preparations[Collection("", "services")] = Services(store).prepare
        self.objects.preparations[Collection("batch", "jobs")] = jobs.prepare
        if isinstance(authorizer, Rbac):
            self.objects.guards.append(Escalation(authorizer).check)
        self._unsubscribe = store.subscribe(definitions.observe)
        self._namespaces = Namespaces(self.objects, self.deletion, tls.authority if tls else "")
        self._controllers: list[Controller] = [
            Cleanup(self.objects, self.deletion),
            GarbageCollector(self.objects, self.deletion),
            self._namespaces,
            EndpointsController(self.objects, self.deletion),
        ]
        everybody = Everybody()
        access = Access(authenticator or everybody, authorizer or everybody)
        answers = Answers(lambda served, objects: _table(served, objects, clock()))
        crud = Crud(
            self.objects,
            self.deletion,
            Patching(self.objects),
            answers,
            Reviews(access.authorizer, tokens, clock),
        )
        self.application = Server(store, self.objects, crud, access, answers, Documents(self.registry))
        self._background: Background | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where a started server listens."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self._port}"

    def start(self) -> None:
        """Serve in a thread of its own; returns when requests are answered. Raises ClusterError.

        A server that did not start, or was stopped, does not start again.
        """
        try:
            self._start(self._listen())
        except BaseException:
            self.stop()
            raise

    def _start(self, listener: socket.socket) -> None:
        self.application.address = f"{self._host}:{self._port}"
        self._namespaces.create_initial()
        self._background = Background(self.store, self._controllers)
        self._background.start()
        config = uvicorn.Config(
            self.application,
            log_config=None,
            access_log=False,
            log_level="error",
            lifespan="off",
            ws="none",
            http="httptools",
            server_header=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
            timeout_keep_alive=75,
            ssl_certfile=self._tls.certificate if self._tls else None,
            ssl_keyfile=self._tls.key if self._tls else None,
        )
        server = _Uvicorn(config)
        self._server = server
        self._thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="apiserver", daemon=True
        )
        self._thread.start()
        if not server.ready.wait(_START_SECONDS):
            raise ClusterError("The API server did not start")

    def stop(self) -> None:
        """End open watches, finish what is under way, and leave no thread behind."""
        self.application.close()
        self._unsubscribe()
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        if self._background is not None:
            self._background.stop()

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # The protocol is named because asyncio sends without delay only on sockets that say that they are TCP.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
        except OSError as error:
            listener.close()
            raise ClusterError(f"Listening on {self._host}:{self._port}: {error.strerror}") from error
        listener.listen(256)
        self._port = int(listener.getsockname()[1])
        return listener


class _Uvicorn(uvicorn.Server):
    """Tells when it listens, and does not wait for clients when it ends."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

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


def _table(served: Served, objects: Sequence[Mapping[str, Any]], moment: datetime) -> dict[str, Any]:
    """Column definitions and cells, those that a view computes included."""
    made = tables.table(served.definition, objects, moment, served.columns)
    if served.view is not None and served.view.cells:
        places = [served.view.cells.get(column["name"]) for column in made["columnDefinitions"]]
        for row, obj in zip(made["rows"], objects, strict=True):
            row["cells"] = [
                read(obj) if read is not None else cell
                for read, cell in zip(places, row["cells"], strict=True)
            ]
    return made
