"""The API server as one thing that can be started and stopped inside a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

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
from lapstrake.http.serving import HttpServer, Tls, listen

_STOP_SECONDS = 5
_IDLE_SECONDS = 75


class ApiServer:
    """A Kubernetes-compatible API server over ``store``, which stays the caller's to close.

    ``authority`` is the text in PEM form of the certificates that clients and Pods trust.
    Hooks are added to ``objects.hooks`` before ``start()``.
    """

    def __init__(
        self,
        store: Store,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: Tls | None = None,
        authority: str = "",
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
        self._namespaces = Namespaces(self.objects, self.deletion, authority)
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
        self._server: HttpServer | None = None

    @property
    def url(self) -> str:
        """Where a started server listens."""
        if self._server is None:
            raise ClusterError("The API server has not been started")
        return self._server.url

    def start(self) -> None:
        """Serve in a thread of its own; returns when requests are answered. Raises InputError.

        A server that did not start, or was stopped, does not start again.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        listener = listen(self._host, self._port)
        self._server = HttpServer(
            self.application,
            listener,
            "API server",
            tls=self._tls,
            grace=_STOP_SECONDS,
            keep_alive=_IDLE_SECONDS,
        )
        self.application.address = self._server.address
        self._namespaces.create_initial()
        self._background = Background(self.store, self._controllers)
        self._background.start()
        self._server.start()

    def stop(self) -> None:
        """End open watches, finish what is under way, and leave no thread behind."""
        self.application.close()
        self._unsubscribe()
        if self._server is not None:
            self._server.stop()
        if self._background is not None:
            self._background.stop()


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
