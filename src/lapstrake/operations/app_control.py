"""Pause an App, have it reconciled now, or delete it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lapstrake.errors import InputError
from lapstrake.operations.app_progress import PAUSED, AppProgress
from lapstrake.operations.cluster_access import APPS
from lapstrake.operations.package_ports import MERGE_PATCH, Cluster, Report, Wait, condition, find, observed

Object = Mapping[str, Any]


def owner_text(app: Object) -> str:
    """``PackageInstall/s1``, if an App belongs to something that will set it right again; else empty."""
    owners = app["metadata"].get("ownerReferences") or ()
    return next((f"{o.get('kind')}/{o.get('name')}" for o in owners), "")


def pause(cluster: Cluster, namespace: str, name: str) -> None:
    cluster.patch(APPS, namespace, name, {"spec": {"paused": True}}, MERGE_PATCH)


def kick(cluster: Cluster, namespace: str, name: str, report: Report, wait: Wait) -> None:
    """Pause, then go on. Raises InputError if the reconciliation fails."""
    report.step(f"Triggering reconciliation for app '{name}' in namespace '{namespace}'")
    pause(cluster, namespace, name)

    def is_paused() -> bool:
        app = cluster.get(APPS, namespace, name)
        return observed(app) and (app.get("status") or {}).get("friendlyDescription") == PAUSED

    wait.until(is_paused, described(namespace, name))
    former = cluster.get(APPS, namespace, name)
    cluster.patch(APPS, namespace, name, {"spec": {"paused": None}}, MERGE_PATCH)
    if not wait.enabled:
        return
    report.step(f"Waiting for app reconciliation for '{name}'")
    progress = AppProgress(report, wait.now, former=former)

    def is_done() -> bool:
        outcome = progress.advance(cluster.get(APPS, namespace, name))
        if outcome is not None and outcome.failure:
            raise InputError(outcome.failure)
        return outcome is not None

    wait.until(is_done, described(namespace, name))


def delete(
    cluster: Cluster, namespace: str, name: str, report: Report, wait: Wait, *, noop: bool = False
) -> None:
    """Delete an App with its resources (``noop``: without). Raises NotFoundError, InputError if it fails."""
    if noop:
        cluster.patch(APPS, namespace, name, {"spec": {"noopDelete": True}}, MERGE_PATCH)
    former = cluster.get(APPS, namespace, name)
    report.step(f"Deleting app '{name}' in namespace '{namespace}'")
    cluster.delete(APPS, namespace, name)
    if not wait.enabled:
        return
    progress = AppProgress(report, wait.now, former=former)

    def is_gone() -> bool:
        app = find(cluster, APPS, namespace, name)
        if app is None:
            return True
        outcome = progress.advance(app)
        if outcome is not None and condition(app) == "DeleteFailed":
            raise InputError(outcome.failure)
        return False

    wait.until(is_gone, described(namespace, name))
    report.step(f"App '{name}' in namespace '{namespace}' deleted ")


def described(namespace: str, name: str) -> str:
    return f"app/{name} ({APPS.api_version}) namespace: {namespace}"
