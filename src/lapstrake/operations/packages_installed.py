"""What is installed: PackageInstalls and Apps, as people want to see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lapstrake.errors import InputError
from lapstrake.operations.app_progress import AppProgress
from lapstrake.operations.cluster_access import APPS, INSTALLS
from lapstrake.operations.package_ports import Cluster, Report, Wait, age, condition, seconds_of
from lapstrake.yamldoc import plain

Object = Mapping[str, Any]

_STATUS_TEXTS = {
    "ReconcileSucceeded": "Reconcile succeeded",
    "ReconcileFailed": "Reconcile failed",
    "Reconciling": "Reconciling",
    "Deleting": "Deleting",
    "DeleteFailed": "Deletion failed",
}


@dataclass(frozen=True, slots=True)
class Installed:
    namespace: str
    name: str
    package: str
    version: str
    status: str


@dataclass(frozen=True, slots=True)
class AppSummary:
    """``since_deploy`` and ``age`` as they are shown (``42s``)."""

    namespace: str
    name: str
    status: str
    since_deploy: str
    owner: str
    age: str


def status_text(obj: Object) -> str:
    """``Reconcile succeeded``, ``Paused``, ...; empty before the first reconciliation."""
    spec = obj.get("spec") or {}
    if spec.get("canceled"):
        return "Canceled"
    if spec.get("paused"):
        return "Paused"
    return _STATUS_TEXTS.get(condition(obj), "")


def conditions_text(obj: Object) -> str:
    """The conditions as YAML, in the order in which people read them."""
    lines = []
    for entry in (obj.get("status") or {}).get("conditions") or ():
        for i, key in enumerate(("type", "status", "reason", "message")):
            value = plain.dump(str(entry.get(key) or "")).rstrip("\n")
            lines.append(f"{'- ' if i == 0 else '  '}{key}: {value}")
    return "\n".join(lines)


def installed(cluster: Cluster, namespace: str | None) -> list[Installed]:
    """By namespace and name. ``namespace`` None: everywhere."""
    found = [_installed(obj) for obj in cluster.list(INSTALLS, namespace).items]
    return sorted(found, key=lambda i: (i.namespace, i.name))


def _installed(obj: Object) -> Installed:
    status = obj.get("status") or {}
    return Installed(
        obj["metadata"].get("namespace", ""),
        obj["metadata"]["name"],
        ((obj.get("spec") or {}).get("packageRef") or {}).get("refName", ""),
        status.get("version", ""),
        status_text(obj),
    )


def get_install(cluster: Cluster, namespace: str, name: str) -> tuple[Installed, Object]:
    """The summary and the object itself. Raises NotFoundError."""
    obj = cluster.get(INSTALLS, namespace, name)
    return _installed(obj), obj


def apps(cluster: Cluster, namespace: str | None, now: float) -> list[AppSummary]:
    """By namespace and name."""
    found = [_app(obj, now) for obj in cluster.list(APPS, namespace).items]
    return sorted(found, key=lambda a: (a.namespace, a.name))


def _app(obj: Object, now: float) -> AppSummary:
    metadata = obj["metadata"]
    deployed = seconds_of(((obj.get("status") or {}).get("deploy") or {}).get("updatedAt"))
    created = seconds_of(metadata.get("creationTimestamp"))
    owners = [f"{o.get('kind')}/{o.get('name')}" for o in metadata.get("ownerReferences") or ()]
    return AppSummary(
        metadata.get("namespace", ""),
        metadata["name"],
        status_text(obj),
        "" if deployed is None else age(now - deployed),
        "\n".join(owners),
        "" if created is None else age(now - created),
    )


def metrics_text(app: Object) -> str:
    """``2 consecutive failures``."""
    status = app.get("status") or {}
    if status.get("consecutiveReconcileFailures"):
        return f"{status['consecutiveReconcileFailures']} consecutive failures"
    return f"{status.get('consecutiveReconcileSuccesses', 0)} consecutive successes"


def follow_app(cluster: Cluster, namespace: str, name: str, report: Report, wait: Wait) -> None:
    """Tell the steps of an App until its reconciliation ends, or at once what it last did.

    Raises InputError if it has failed.
    """
    progress = AppProgress(report, wait.now)

    def is_done() -> bool:
        app = cluster.get(APPS, namespace, name)
        outcome = progress.advance(app)
        if outcome is not None and outcome.failure:
            raise InputError(outcome.failure)
        return outcome is not None or status_text(app) in ("Paused", "Canceled")

    wait.until(is_done, f"app/{name} ({APPS.api_version}) namespace: {namespace}")
