"""Remove an installation and what was made for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lapstrake.errors import InputError, NotFoundError
from lapstrake.operations import package_objects as objects
from lapstrake.operations.app_progress import AppProgress
from lapstrake.operations.cluster_access import APPS, INSTALLS
from lapstrake.operations.install_wait import described, failure
from lapstrake.operations.package_objects import InstallNames
from lapstrake.operations.package_ports import MERGE_PATCH, Cluster, Report, Wait, condition, find, observed

Object = Mapping[str, Any]


def delete(cluster: Cluster, names: InstallNames, report: Report, wait: Wait, *, noop: bool = False) -> None:
    """Delete the PackageInstall, wait until it is gone, then delete the rights and Secrets made for it.

    ``noop`` leaves the package's resources in the cluster. Nothing there: only what is left over is removed.
    Raises InputError if the deletion fails.
    """
    install = find(cluster, INSTALLS, names.namespace, names.name)
    if install is None:
        report.sentence(
            f"Could not find package install '{names.name}' in namespace '{names.namespace}'. "
            "Cleaning up created resources."
        )
    else:
        _delete_install(cluster, names, report, wait, noop=noop)
        if not wait.enabled:
            return
    _delete_created(cluster, names, install, report)


def _delete_install(cluster: Cluster, names: InstallNames, report: Report, wait: Wait, *, noop: bool) -> None:
    name, namespace = names.name, names.namespace
    report.step(f"Deleting package install '{name}' from namespace '{namespace}'")
    if noop:
        report.step(f"Ignoring associated resources for package install '{name}' in namespace '{namespace}'")
        cluster.patch(INSTALLS, namespace, name, {"spec": {"noopDelete": True}}, MERGE_PATCH)
    former = find(cluster, APPS, namespace, name)
    cluster.delete(INSTALLS, namespace, name)
    if wait.enabled:
        report.step(f"Waiting for deletion of package install '{name}' from namespace '{namespace}'")
        run = _Run(cluster, names, former, report, wait)
        wait.until(run.is_done, described(namespace, name))
        report.step(f"{described(namespace, name)}: DeletionSucceeded")


class _Run:
    def __init__(
        self, cluster: Cluster, names: InstallNames, former: Object | None, report: Report, wait: Wait
    ) -> None:
        self._cluster = cluster
        self._names = names
        self._report = report
        self._progress = AppProgress(report, wait.now, former=former)
        self._had_app = former is not None

    def is_done(self) -> bool:
        name, namespace = self._names.name, self._names.namespace
        app = find(self._cluster, APPS, namespace, name)
        if app is not None:
            self._progress.advance(app)
        elif self._had_app:
            self._had_app = False
            self._report.step(f"App '{name}' in namespace '{namespace}' deleted ")
        install = find(self._cluster, INSTALLS, namespace, name)
        if install is not None and observed(install) and condition(install) == "DeleteFailed":
            raise InputError(failure(install, described(namespace, name), "Deleting"))
        return install is None


def _delete_created(cluster: Cluster, names: InstallNames, install: Object | None, report: Report) -> None:
    for rt in objects.CREATED_TYPES:
        namespace = names.namespace if rt.namespaced else None
        for name in _created(cluster, rt.kind, names, install):
            existing = find(cluster, rt, namespace, name)
            if existing is None or not objects.is_owned(existing, names):
                continue
            report.step(f"Deleting '{rt.kind}': {name}")
            try:
                cluster.delete(rt, namespace, name)
            except NotFoundError:
                pass


def _created(cluster: Cluster, kind: str, names: InstallNames, install: Object | None) -> list[str]:
    """Names of objects of ``kind`` that may have been made: those noted down, else those that would be made."""
    overlays = [names.overlays] if kind == "Secret" else []
    if install is not None:
        noted = objects.created_by(install, kind)
        return [*([noted] if noted else []), *overlays]
    usual = {
        "ServiceAccount": names.service_account,
        "ClusterRole": names.cluster_role,
        "ClusterRoleBinding": names.cluster_role_binding,
        "Secret": names.values,
    }
    return [usual[kind], *overlays]
