"""One PackageInstall: choose a Package, keep the App in agreement, follow its status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lapstrake.errors import ConflictError, LapstrakeError, NotFoundError
from lapstrake.operations.cluster_access import APPS, INSTALLS, NAMESPACES, PACKAGES, SECRETS, Cluster
from lapstrake.operations.reconciled import Reconciled
from lapstrake.packaging import app_from_install, data_api, install_status, selection

Object = Mapping[str, Any]

FINALIZER = "finalizers.packageinstall.packaging.carvel.dev/delete"


@dataclass(frozen=True, slots=True)
class InstallPorts:
    """``controller_version`` is what packages may demand of the controller.

    ``plain_packages()``: whether packages are plain objects here, so that those of the global namespace do not
    show elsewhere by themselves.
    """

    cluster: Cluster
    controller_version: str
    plain_packages: Callable[[], bool] = lambda: False


def reconcile_install(install: Object, ports: InstallPorts) -> Object:
    """Bring ``install`` one step further; gives it as last written.

    Raises NotFoundError if it vanishes meanwhile, ClusterError if something cannot be read or written.
    """
    target = Reconciled(ports.cluster, INSTALLS, install)
    if target.deleted:
        _delete(target, ports.cluster)
        return target.obj
    target.add_finalizer(FINALIZER)
    package = _selected_package(target, ports)
    if package is not None:
        _install(target, package, ports.cluster)
    target.status = install_status.observed(target.status, target.generation)
    target.write()
    return target.obj


def _selected_package(target: Reconciled, ports: InstallPorts) -> Object | None:
    """The Package to install; None when the status says why there is none."""
    try:
        package = selection.select_package(
            target.obj,
            _packages(target.obj, ports),
            kubernetes_version=ports.cluster.server_version(),
            controller_version=ports.controller_version,
        )
    except LapstrakeError as error:
        target.status = install_status.failed(target.status, str(error))
        return None
    version = str(package["spec"]["version"])
    refusal = selection.refuses_downgrade(target.obj, version)
    target.status = install_status.selected(target.status, version)
    if refusal is not None:
        target.status = install_status.failed_with_details(target.status, refusal)
        return None
    target.status = install_status.attempted(target.status, version)
    return package


def _packages(install: Object, ports: InstallPorts) -> list[dict[str, Any]]:
    """Those of the wanted name; if there are none, all that the namespace sees."""
    ref_name = (install["spec"].get("packageRef") or {}).get("refName", "")
    if ports.plain_packages():
        return _plain_packages(install["metadata"]["namespace"], ports.cluster)
    namespace = install["metadata"]["namespace"]
    wanted = ports.cluster.list(PACKAGES, namespace, field_selector=f"spec.refName={ref_name}").items
    return wanted or ports.cluster.list(PACKAGES, namespace).items


def _plain_packages(namespace: str, cluster: Cluster) -> list[dict[str, Any]]:
    """The namespace's own packages and the global ones; an own one wins by its name."""
    own = cluster.list(PACKAGES, namespace).items
    annotations = cluster.get(NAMESPACES, None, namespace)["metadata"].get("annotations") or {}
    if namespace == data_api.GLOBAL_NAMESPACE or data_api.EXCLUDE_GLOBAL_ANNOTATION in annotations:
        return own
    names = {package["metadata"]["name"] for package in own}
    shared = cluster.list(PACKAGES, data_api.GLOBAL_NAMESPACE).items
    return [*own, *(package for package in shared if package["metadata"]["name"] not in names)]


def _install(target: Reconciled, package: Object, cluster: Cluster) -> None:
    namespace, name = target.obj["metadata"]["namespace"], target.obj["metadata"]["name"]
    try:
        existing: Object | None = cluster.get(APPS, namespace, name)
    except NotFoundError:
        existing = None
    if existing is not None and app_from_install.manually_controlled(existing):
        target.status = install_status.following(target.status, existing)
        return
    try:
        wanted = app_from_install.desired_app(target.obj, package, existing)
    except LapstrakeError as error:
        target.status = install_status.failed(target.status, str(error))
        return
    for secret in app_from_install.placeholder_secrets(target.obj, package):
        _create_if_absent(secret, cluster)
    if existing is None:
        cluster.create(APPS, wanted, namespace)
        target.status = install_status.reconciling(target.status)
    elif wanted != existing:
        # The App's own events bring the condition; recorded, it stays as it was in this write.
        cluster.replace(APPS, wanted)
    else:
        target.status = install_status.following(target.status, existing)


def _create_if_absent(secret: Object, cluster: Cluster) -> None:
    metadata = secret["metadata"]
    try:
        cluster.get(SECRETS, metadata["namespace"], metadata["name"])
    except NotFoundError:
        try:
            cluster.create(SECRETS, secret, metadata["namespace"])
        except ConflictError:
            pass  # somebody else was faster


def _delete(target: Reconciled, cluster: Cluster) -> None:
    """Delete the App and wait for its end, which brings this object here again."""
    if FINALIZER not in (target.obj["metadata"].get("finalizers") or ()):
        return
    namespace, name = target.obj["metadata"]["namespace"], target.obj["metadata"]["name"]
    try:
        app = cluster.get(APPS, namespace, name)
    except NotFoundError:
        target.remove_finalizer(FINALIZER)
        return
    agreed = app_from_install.app_for_deletion(target.obj, app)
    if agreed != app:
        app = cluster.replace(APPS, agreed)
    if not app["metadata"].get("deletionTimestamp"):
        cluster.delete(APPS, namespace, name)
    target.status = install_status.deleting(target.status, target.generation)
    if _deletion_failed(app):
        target.status = install_status.following(target.status, app)
    target.write()


def _deletion_failed(app: Object) -> bool:
    conditions = (app.get("status") or {}).get("conditions") or ()
    observed = app["metadata"].get("generation") == (app.get("status") or {}).get("observedGeneration")
    return observed and any(condition.get("type") == "DeleteFailed" for condition in conditions)
