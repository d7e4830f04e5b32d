"""The controller as a whole: everything it watches, wired to everything it reconciles."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from lapstrake.adapters.cluster import ClusterClient
from lapstrake.controller.install import Installs
from lapstrake.controller.parts import Parts, standard_parts
from lapstrake.controller.periodic import Periodic, PeriodicKind
from lapstrake.controller.references import References
from lapstrake.controller.runtime import Change, Informer, key_of
from lapstrake.operations.cluster_access import APPS, INSTALLS, PACKAGES, REPOSITORIES
from lapstrake.operations.reconcile_app import reconcile_app
from lapstrake.operations.reconcile_install import InstallPorts
from lapstrake.operations.reconcile_repository import reconcile_repository
from lapstrake.packaging import awaited, schedule

Object = Mapping[str, Any]

CONTROLLER_VERSION = "0.53.0"
"""The release of the original that packages may compare with (kappControllerVersionSelection)."""

_STOP_WITHIN = 0.9


@dataclass(frozen=True, slots=True)
class ControllerOptions:
    """``workers``: Apps that may run at the same time. ``work_folder``: for fetched content; None: any."""

    workers: int = 10
    work_folder: Path | None = None
    controller_version: str = CONTROLLER_VERSION
    seed: int | None = None


class Controller:
    """Reconciles Apps, PackageInstalls and PackageRepositories of one cluster, from start() to stop()."""

    def __init__(
        self, cluster: ClusterClient, options: ControllerOptions | None = None, parts: Parts | None = None
    ) -> None:
        options = options or ControllerOptions()
        self.server = cluster.server
        self._cluster = cluster
        self._stopping = threading.Event()
        self._parts = parts or standard_parts(
            cluster,
            controller_version=options.controller_version,
            work_folder=options.work_folder,
        )
        parts = self._parts
        clock = StoppableClock(self._stopping)
        random = Random(options.seed)
        app_kind = PeriodicKind(
            "app",
            APPS,
            schedule.APP_SYNC_PERIOD,
            lambda obj, cancelled, clock: reconcile_app(obj, parts.apps, clock, cancelled=cancelled),
        )
        repository_kind = PeriodicKind(
            "packagerepository",
            REPOSITORIES,
            schedule.REPOSITORY_SYNC_PERIOD,
            lambda obj, cancelled, clock: reconcile_repository(
                obj, parts.repositories, clock, cancelled=cancelled
            ),
        )
        self._apps = Periodic(app_kind, cluster, clock, random, workers=options.workers)
        self._repositories = Periodic(repository_kind, cluster, clock, random, workers=options.workers)
        self._references = References()
        self._definitions = self._informer(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            self._something_arrived,
            keep=_definition_state,
        )
        install_informer = self._informer(INSTALLS.api_version, "PackageInstall", self._install_changed)
        self._installs = Installs(
            cluster,
            InstallPorts(cluster, options.controller_version, self._packages_are_plain),
            install_informer.objects,
            workers=options.workers,
        )
        self._informers = [
            install_informer,
            self._informer(APPS.api_version, "App", self._app_changed, keep=_without_outputs),
            self._informer(
                REPOSITORIES.api_version, "PackageRepository", self._repository_changed, keep=_without_outputs
            ),
            self._informer(PACKAGES.api_version, "Package", self._package_changed, keep=_package_identity),
            self._watched_content("Secret"),
            self._watched_content("ConfigMap"),
            self._informer("v1", "Namespace", self._something_arrived, keep=_identity),
            self._definitions,
        ]

    def start(self) -> None:
        """Returns at once; what is in the cluster already is looked at as soon as it is listed."""
        for controller in (self._apps, self._repositories, self._installs):
            controller.workers.start()
        for informer in self._informers:
            informer.start()

    def stop(self) -> None:
        """Ends watches and running work; what was cut off goes on at the next start."""
        self._stopping.set()
        deadline = time.monotonic() + _STOP_WITHIN
        self._apps.stop()
        self._repositories.stop()
        self._installs.workers.stop()
        for informer in self._informers:
            informer.stop()
        for controller in (self._apps, self._repositories, self._installs):
            controller.workers.join(deadline)
        for informer in self._informers:
            informer.join(deadline)
        self._parts.close()

    def _informer(
        self,
        api_version: str,
        kind: str,
        on_change: Change,
        *,
        keep: Callable[[Object], Object] = lambda o: o,
    ) -> Informer:
        return Informer(self._cluster, api_version, kind, on_change, keep=keep)

    def _watched_content(self, kind: str) -> Informer:
        """Secrets and ConfigMaps: only that they changed is remembered, never what they hold."""

        def changed(old: Object | None, new: Object | None) -> None:
            obj = new or old
            if obj is None or not informer.complete:
                return
            namespace, name = key_of(obj)
            for kind_of_user, key in self._references.users(kind, namespace, name):
                (self._apps if kind_of_user == "App" else self._repositories).force(key)

        informer = self._informer("v1", kind, changed, keep=_identity)
        return informer

    def _install_changed(self, old: Object | None, new: Object | None) -> None:
        self._installs.changed(old, new)
        self._something_arrived(old, new)

    def _app_changed(self, old: Object | None, new: Object | None) -> None:
        self._note_references("App", old, new)
        self._apps.changed(old, new)
        self._installs.app_changed(old, new)
        self._something_arrived(old, new)

    def _repository_changed(self, old: Object | None, new: Object | None) -> None:
        self._note_references("PackageRepository", old, new)
        self._repositories.changed(old, new)
        self._something_arrived(old, new)

    def _package_changed(self, old: Object | None, new: Object | None) -> None:
        self._installs.package_changed(old, new)

    def _packages_are_plain(self) -> bool:
        return self._definitions.get(("", f"{PACKAGES.plural}.{PACKAGES.group}")) is not None

    def _note_references(self, kind: str, old: Object | None, new: Object | None) -> None:
        obj = new or old
        if obj is not None:
            self._references.changed(kind, key_of(obj), new)

    def _something_arrived(self, old: Object | None, new: Object | None) -> None:
        thing = awaited.arrived(old, new)
        if thing is not None:
            self._apps.arrived(thing)


class StoppableClock:
    """The real time; sleeping ends when the controller stops."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping

    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        self._stopping.wait(seconds)


def _identity(obj: Object) -> Object:
    metadata = obj["metadata"]
    kept = {key: metadata[key] for key in ("name", "namespace", "resourceVersion") if key in metadata}
    return {"kind": obj.get("kind"), "metadata": kept}


def _package_identity(obj: Object) -> Object:
    spec = obj.get("spec") or {}
    return {**_identity(obj), "spec": {key: spec.get(key) for key in ("refName", "version")}}


def _definition_state(obj: Object) -> Object:
    spec = obj["spec"]
    conditions = (obj.get("status") or {}).get("conditions") or []
    return {
        **_identity(obj),
        "spec": {"group": spec["group"], "names": {"kind": spec["names"]["kind"]}},
        "status": {"conditions": conditions},
    }


def _without_outputs(obj: Object) -> Object:
    """The printed texts in a status may be long; events do not need them."""
    status = obj.get("status") or {}
    short = {
        key: value for key, value in status.items() if key not in ("fetch", "template", "deploy", "inspect")
    }
    return {**obj, "status": short}
