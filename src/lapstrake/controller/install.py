"""PackageInstalls: looked at when they, their App, or a Package they may select changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lapstrake.controller.runtime import Key, Workers, key_of
from lapstrake.errors import NotFoundError
from lapstrake.operations.cluster_access import INSTALLS, Cluster
from lapstrake.operations.reconcile_install import InstallPorts, reconcile_install
from lapstrake.packaging import data_api, selection

Object = Mapping[str, Any]

# Seconds after which an install is looked at again without any event.
_RESYNC = 600.0


class Installs:
    """``installs()`` gives all known PackageInstalls."""

    def __init__(
        self,
        cluster: Cluster,
        ports: InstallPorts,
        installs: Callable[[], list[Object]],
        *,
        workers: int,
        global_namespace: str = data_api.GLOBAL_NAMESPACE,
    ) -> None:
        self._cluster = cluster
        self._ports = ports
        self._installs = installs
        self._global_namespace = global_namespace
        self.workers = Workers("packageinstall", self.reconcile, limit=workers)

    def changed(self, old: Object | None, new: Object | None) -> None:
        """Status writes do not count; annotations do, they carry settings."""
        if new is not None and (old is None or _wish(old) != _wish(new)):
            self.workers.add(key_of(new))

    def app_changed(self, old: Object | None, new: Object | None) -> None:
        app = new or old
        if app is None:
            return
        for owner in app["metadata"].get("ownerReferences") or ():
            if owner.get("kind") == "PackageInstall":
                self.workers.add((app["metadata"]["namespace"], owner["name"]))

    def package_changed(self, old: Object | None, new: Object | None) -> None:
        packages = [package for package in (old, new) if package is not None]
        namespace = packages[0]["metadata"]["namespace"]
        for install in self._installs():
            visible = namespace in (self._global_namespace, install["metadata"]["namespace"])
            if visible and selection.concerns(install, packages):
                self.workers.add(key_of(install))

    def reconcile(self, key: Key) -> float | None:
        try:
            install = self._cluster.get(INSTALLS, *key)
            reconcile_install(install, self._ports)
        except NotFoundError:
            return None
        return _RESYNC


def _wish(obj: Object) -> tuple[Any, ...]:
    metadata = obj["metadata"]
    return (
        metadata.get("uid"),
        metadata.get("generation"),
        metadata.get("deletionTimestamp"),
        metadata.get("annotations"),
    )
