"""The embedded control plane: builds its parts, starts them in order, and stops them in reverse."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from lapstrake.adapters.cluster import ClusterClient
from lapstrake.adapters.kubeconfig import ClusterAccess, load_access
from lapstrake.apiserver.authn import Authenticator
from lapstrake.apiserver.identity import MASTERS, User
from lapstrake.apiserver.rbac import Rbac, bootstrap_objects
from lapstrake.apiserver.requests import Call
from lapstrake.apiserver.serve import ApiServer
from lapstrake.apiserver.store import Collection, Key, Store
from lapstrake.apiserver.tokens import Tokens
from lapstrake.apiserver.workloads.runner import Workloads
from lapstrake.controller.serve import Controller, ControllerOptions
from lapstrake.embedded import kubeconfig, pki
from lapstrake.embedded.state import Record, State
from lapstrake.errors import LapstrakeError
from lapstrake.http.serving import Tls
from lapstrake.operations.install_crds import install_crds
from lapstrake.registry.server import RunningRegistry, serve
from lapstrake.wiring import package_views

HOST = "127.0.0.1"
_Started = TypeVar("_Started")
API_PORT, REGISTRY_PORT = 6443, 5600
_ACCOUNTS = Collection("", "serviceaccounts")


@dataclass(frozen=True, slots=True)
class Settings:
    """``api_port``, ``registry_port``: None takes the last one, else the usual one, else any; 0 takes any.

    ``kubeconfig``: None writes it beside the state.
    """

    state: State
    api_port: int | None = None
    registry_port: int | None = None
    kubeconfig: Path | None = None
    controller: bool = True
    workers: int = 10


class ControlPlane:
    """Registry, API server, simulated workloads and controller. ``clock`` (seconds since 1970) moves the registry's tags."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._parts = ExitStack()
        self.registry: RunningRegistry
        self.api: ApiServer

    def start(self) -> None:
        """Returns when everything answers. What was started is stopped again if a later part fails."""
        with ExitStack() as parts:
            self._start(parts)
            self._parts = parts.pop_all()

    def stop(self) -> None:
        self._parts.close()

    def _start(self, parts: ExitStack) -> None:
        settings, state = self._settings, self._settings.state
        state.make()
        last = state.read()
        self.registry = _at_port(
            lambda port: serve(HOST, port, str(state.registry), clock=self._clock),
            _ports(settings.registry_port, last.registry_port, REGISTRY_PORT),
        )
        parts.callback(self.registry.close)
        keys = pki.ensure(state.pki)
        store = Store(str(state.cluster))
        parts.callback(store.close)
        self.api = _at_port(
            lambda port: _start_api(store, keys, port), _ports(settings.api_port, last.api_port, API_PORT)
        )
        parts.callback(self.api.stop)
        workloads = Workloads(self.api.objects, _now)
        workloads.start()
        parts.callback(workloads.stop)
        self._write_kubeconfig(keys)
        if settings.controller:
            self._start_controller(parts)

    def client(self) -> ClusterClient:
        """A client with the administrator's rights, for the caller to close."""
        keys = pki.ensure(self._settings.state.pki)
        access = ClusterAccess(
            server=self.api.url, ca=keys.certificates.ca_file.read_bytes(), token=lambda: keys.admin_token
        )
        return ClusterClient(access)

    def _start_controller(self, parts: ExitStack) -> None:
        cluster = self.client()
        parts.callback(cluster.close)
        install_crds(cluster)
        controller = Controller(
            cluster, ControllerOptions(workers=self._settings.workers, work_folder=self._settings.state.work)
        )
        controller.start()
        parts.callback(controller.stop)

    def _write_kubeconfig(self, keys: pki.Pki) -> None:
        ours = kubeconfig.document(self.api.url, keys.certificates.ca_file.read_bytes(), keys.admin_token)
        kubeconfig.write(self._settings.state.kubeconfig, ours)
        if self._settings.kubeconfig is not None:
            kubeconfig.write(self._settings.kubeconfig, ours)

    def record(self) -> Record:
        """Where the running plane is found."""
        api_port = int(self.api.url.rpartition(":")[2])
        file = self._settings.kubeconfig or self._settings.state.kubeconfig
        return Record(os.getpid(), api_port, self.registry.port, str(file), time.time())

    def stopped_record(self) -> Record:
        """What is worth remembering of it afterwards: the ports, so that kubeconfigs and image names stay good."""
        return replace(self.record(), pid=0)


def write_kubeconfig(state: State, record: Record, file: Path) -> None:
    """Write the kubeconfig of a running plane into one more file."""
    keys = pki.ensure(state.pki)
    kubeconfig.write(
        file, kubeconfig.document(record.api_url, keys.certificates.ca_file.read_bytes(), keys.admin_token)
    )


def start_controller(*, kubeconfig: str, context: str, install: bool, workers: int) -> Controller:
    """The controller on its own, for the cluster that a kubeconfig names; ``install``: create its kinds first."""
    cluster = ClusterClient(load_access(kubeconfig, context))
    if install:
        install_crds(cluster)
    controller = Controller(cluster, ControllerOptions(workers=workers))
    controller.start()
    return controller


def _start_api(store: Store, keys: pki.Pki, port: int) -> ApiServer:
    def account(namespace: str, name: str) -> dict[str, object] | None:
        found = store.get(Key(_ACCOUNTS, namespace, name))
        return found.object if found is not None else None

    tokens = Tokens(keys.token_key, account, time.time)
    api = ApiServer(
        store,
        host=HOST,
        port=port,
        tls=Tls(str(keys.certificates.certificate_file), str(keys.certificates.key_file)),
        authority=keys.certificates.ca_file.read_text(),
        authenticator=Authenticator(keys.admin_token, tokens),
        authorizer=Rbac(store),
        tokens=tokens,
        views=package_views(),
        clock=_now,
    )
    _create_missing(api)
    api.start()
    return api


def _create_missing(api: ApiServer) -> None:
    """The roles that every cluster has from its start."""
    call = Call(User("system:apiserver", (MASTERS,)), "kube-apiserver")
    for obj in bootstrap_objects():
        served = api.registry.of_kind(obj["apiVersion"], obj["kind"])
        if served is not None and api.store.get(Key(served.collection, "", obj["metadata"]["name"])) is None:
            api.objects.create(served, "", obj, call)


def _ports(wanted: int | None, last: int, usual: int) -> list[int]:
    """The ports to try, in order; the last one tried may be any."""
    return [wanted] if wanted is not None else [*([last] if last else []), usual, 0]


def _at_port(start: Callable[[int], _Started], ports: list[int]) -> _Started:
    for port in ports[:-1]:
        try:
            return start(port)
        except LapstrakeError:
            continue
    return start(ports[-1])


def _now() -> datetime:
    return datetime.now(UTC)
