"""Install a package: rights, values and a PackageInstall, then wait for the controller's work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lapstrake.errors import ConflictError, InputError, NotFoundError
from lapstrake.operations import package_objects as objects
from lapstrake.operations.cluster_access import INSTALLS, SECRETS, SERVICE_ACCOUNTS
from lapstrake.operations.install_wait import wait_for_install
from lapstrake.operations.package_objects import InstallNames
from lapstrake.operations.package_ports import Cluster, Report, Wait, find

Object = Mapping[str, Any]
ANY_VERSION = ">= 0.0.0"


@dataclass(frozen=True, slots=True)
class InstallRequest:
    """``version`` empty: the highest. ``values``: text of the values file, None if there is none.

    ``service_account`` empty: one is made, with all rights. ``overlays``: (file name, text) in their order.
    """

    name: str
    namespace: str
    package: str
    version: str = ""
    values: str | None = None
    service_account: str = ""
    overlays: Sequence[tuple[str, str]] = ()

    @property
    def names(self) -> InstallNames:
        return InstallNames(self.name, self.namespace)


def install_objects(request: InstallRequest) -> list[dict[str, Any]]:
    """All that an installation consists of, in the order of creation."""
    names = request.names
    made: list[dict[str, Any]] = []
    if not request.service_account:
        made += [
            objects.service_account(names),
            objects.cluster_role(names),
            objects.cluster_role_binding(names),
        ]
    if request.values is not None:
        made.append(objects.values_secret(names, request.values))
    if request.overlays:
        made.append(objects.overlays_secret(names, request.overlays))
    install = objects.package_install(
        names,
        package=request.package,
        constraints=request.version or ANY_VERSION,
        service_account=request.service_account or names.service_account,
        made=made,
    )
    return [*made, install]


def install(cluster: Cluster, request: InstallRequest, report: Report, wait: Wait) -> None:
    """Create everything and wait. The PackageInstall must not exist yet.

    Raises InputError for a service account that is not there, and for a reconciliation that fails.
    """
    if request.service_account:
        _require_service_account(cluster, request)
    for obj in install_objects(request):
        report.step(_creating(obj, request))
        put(cluster, obj)
    if wait.enabled:
        wait_for_install(cluster, request.namespace, request.name, None, report, wait)


def put(cluster: Cluster, obj: Object) -> None:
    """Create an object; one that is left over from an earlier installation is replaced."""
    rt = objects.type_of(obj)
    try:
        cluster.create(rt, obj)
    except ConflictError:
        namespace, name = obj["metadata"].get("namespace"), obj["metadata"]["name"]
        existing = cluster.get(rt, namespace, name)
        version = existing["metadata"].get("resourceVersion")
        metadata = {**obj["metadata"], **({"resourceVersion": version} if version else {})}
        if rt.kind == "ClusterRoleBinding" or rt.kind == "ServiceAccount":
            return
        cluster.replace(rt, {**obj, "metadata": metadata})


def _require_service_account(cluster: Cluster, request: InstallRequest) -> None:
    name, namespace = request.service_account, request.namespace
    try:
        cluster.get(SERVICE_ACCOUNTS, namespace, name)
    except NotFoundError as e:
        raise InputError(f"Finding service account '{name}' in namespace '{namespace}': {e}") from e


def _creating(obj: Object, request: InstallRequest) -> str:
    name = obj["metadata"]["name"]
    if obj["kind"] == "Secret" and name == request.names.overlays:
        return "Creating overlay secrets"
    texts = {
        "ServiceAccount": f"Creating service account '{name}'",
        "ClusterRole": f"Creating cluster admin role '{name}'",
        "ClusterRoleBinding": f"Creating cluster role binding '{name}'",
        "Secret": f"Creating secret '{name}'",
    }
    return texts.get(obj["kind"], "Creating package install resource")


def existing_install(cluster: Cluster, request: InstallRequest) -> dict[str, Any] | None:
    """The PackageInstall of that name, if there is one; InputError if it belongs to another package."""
    found = find(cluster, INSTALLS, request.namespace, request.name)
    if found is not None:
        associated = found["spec"].get("packageRef", {}).get("refName", "")
        if associated != request.package:
            raise InputError(
                f"Installed package '{request.name}' is already associated with package '{associated}'"
            )
    return found


def values_of(cluster: Cluster, install: Object) -> str:
    """The text of the values an installation was given, from all its Secrets; "" without any."""
    texts = []
    for entry in install["spec"].get("values") or ():
        name = (entry.get("secretRef") or {}).get("name", "")
        secret = cluster.get(SECRETS, install["metadata"].get("namespace"), name)
        texts += objects.secret_texts(secret)
    return "---\n".join(texts)
