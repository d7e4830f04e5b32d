"""Change an installation (version, values, overlays), pause it, or have it reconciled now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lapstrake.errors import InputError, NotFoundError
from lapstrake.operations import package_objects as objects
from lapstrake.operations.cluster_access import APPS, INSTALLS, SECRETS
from lapstrake.operations.install_wait import wait_for_install, wait_until_paused
from lapstrake.operations.package_install import put
from lapstrake.operations.package_objects import InstallNames
from lapstrake.operations.package_ports import MERGE_PATCH, Cluster, Report, Wait, find

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """What shall change; what is empty or None stays. ``drop_values`` and ``drop_overlays`` take them away."""

    name: str
    namespace: str
    version: str = ""
    values: str | None = None
    drop_values: bool = False
    overlays: Sequence[tuple[str, str]] = ()
    drop_overlays: bool = False

    @property
    def names(self) -> InstallNames:
        return InstallNames(self.name, self.namespace)

    @property
    def changes_something(self) -> bool:
        return bool(
            self.version or self.values is not None or self.drop_values or self.overlays or self.drop_overlays
        )


def update(cluster: Cluster, request: UpdateRequest, report: Report, wait: Wait) -> None:
    """Raises InputError for nothing to update and for a reconciliation that fails, NotFoundError."""
    if not request.changes_something:
        raise InputError("Expected either package version, values file or overlays to update the package")
    install = cluster.get(INSTALLS, request.namespace, request.name)
    former = find(cluster, APPS, request.namespace, request.name)
    change = _Change(cluster, request, install, report, wait)
    change.overlays()
    change.values()
    unnoticed = change.finish()
    try:
        if wait.enabled:
            wait_for_install(
                cluster, request.namespace, request.name, former, report, wait, unnoticed=unnoticed
            )
    finally:
        change.drop_secrets()


class _Change:
    """Collects what to change in the PackageInstall while the Secrets are written, and patches it once.

    A Secret that is not needed any more goes last, since the App refers to it until it is reconciled.
    """

    def __init__(
        self, cluster: Cluster, request: UpdateRequest, install: Object, report: Report, wait: Wait
    ) -> None:
        self._cluster = cluster
        self._request = request
        self._install = install
        self._report = report
        self._wait = wait
        self._spec: dict[str, Any] = {}
        self._annotations: dict[str, str | None] = {}
        self._paused = False
        self._dropped: list[str] = []
        if request.version:
            self._spec["packageRef"] = {
                "versionSelection": {"constraints": request.version, "prereleases": {}}
            }

    def overlays(self) -> None:
        names = self._request.names
        if self._request.drop_overlays:
            self._report.step("Dropping overlay secrets")
            self._dropped.append(names.overlays)
            self._annotations[objects.OVERLAYS_ANNOTATION] = None
        elif self._request.overlays:
            known = find(self._cluster, SECRETS, names.namespace, names.overlays)
            self._report.step("Creating overlay secrets" if known is None else "Updating overlay secrets")
            put(self._cluster, objects.overlays_secret(names, self._request.overlays))
            self._annotations[objects.OVERLAYS_ANNOTATION] = names.overlays

    def values(self) -> None:
        created = objects.created_by(self._install, "Secret")
        if self._request.drop_values:
            self._drop_values(created)
        elif self._request.values is not None and created and self._install["spec"].get("values"):
            self._replace_values(created, self._request.values)
        elif self._request.values is not None:
            self._create_values(self._request.values)

    def _drop_values(self, secret: str) -> None:
        names = self._request.names
        if not self._install["spec"].get("values"):
            return
        if secret:
            self._report.step(f"Deleting values secret '{secret}'")
            self._dropped.append(secret)
        self._report.step(
            f"Removing values secret reference from package install '{names.name}' in namespace '{names.namespace}'"
        )
        self._spec["values"] = None
        self._annotations |= dict.fromkeys(objects.created_annotations("Secret", ""))

    def _replace_values(self, secret: str, values: str) -> None:
        """Paused meanwhile, so that no reconciliation sees half of the change."""
        names = self._request.names
        pause(self._cluster, names.namespace, names.name, self._report)
        self._paused = True
        wait_until_paused(self._cluster, names.namespace, names.name, self._wait)
        self._report.step(f"Updating secret '{secret}'")
        obj = objects.values_secret(names, values)
        put(self._cluster, {**obj, "metadata": {**obj["metadata"], "name": secret}})

    def _create_values(self, values: str) -> None:
        names = self._request.names
        self._report.step(f"Creating secret '{names.values}'")
        put(self._cluster, objects.values_secret(names, values))
        self._spec["values"] = [{"secretRef": {"name": names.values}}]
        self._annotations |= objects.created_annotations("Secret", names.values)

    def finish(self) -> bool:
        """Patch the PackageInstall; true if its generation does not tell that there was a change."""
        name, namespace = self._request.name, self._request.namespace
        body: dict[str, Any] = {}
        if self._annotations:
            body["metadata"] = {"annotations": self._annotations}
        if self._spec:
            body["spec"] = self._spec
        if body:
            self._report.step(f"Updating package install for '{name}' in namespace '{namespace}'")
        if self._paused:
            self._report.step(
                f"Resuming reconciliation for package installation '{name}' in namespace '{namespace}'"
            )
            body.setdefault("spec", {})["paused"] = None
        before = self._cluster.get(INSTALLS, namespace, name)["metadata"].get("generation")
        patched = self._cluster.patch(INSTALLS, namespace, name, body, MERGE_PATCH)
        return bool(body) and patched["metadata"].get("generation") == before

    def drop_secrets(self) -> None:
        for name in self._dropped:
            try:
                self._cluster.delete(SECRETS, self._request.namespace, name)
            except NotFoundError:
                pass


def pause(cluster: Cluster, namespace: str, name: str, report: Report) -> None:
    report.step(f"Pausing reconciliation for package installation '{name}' in namespace '{namespace}'")
    cluster.patch(INSTALLS, namespace, name, {"spec": {"paused": True}}, MERGE_PATCH)


def kick(cluster: Cluster, namespace: str, name: str, report: Report, wait: Wait) -> None:
    """Reconcile now: pause, then go on."""
    pause(cluster, namespace, name, report)
    wait_until_paused(cluster, namespace, name, wait)
    former = find(cluster, APPS, namespace, name)
    report.step(f"Starting reconciliation for package install '{name}' in namespace '{namespace}'")
    cluster.patch(INSTALLS, namespace, name, {"spec": {"paused": None}}, MERGE_PATCH)
    if wait.enabled:
        wait_for_install(cluster, namespace, name, former, report, wait)
