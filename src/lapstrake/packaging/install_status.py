"""Statuses of PackageInstalls, as functions from status to status.

A PackageInstall has no steps of its own: it selects a version, then follows its App.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lapstrake.packaging import app_status

Status = Mapping[str, Any]

# Of the whole description, its opening words included; three dots follow what is cut.
_DESCRIPTION_WIDTH = 80


def observed(status: Status, generation: int) -> dict[str, Any]:
    """The present spec has been acted upon; the condition stays."""
    return {**status, "observedGeneration": generation}


def selected(status: Status, version: str) -> dict[str, Any]:
    """A version was found; whether it is tried is another matter."""
    return {**status, "version": version}


def attempted(status: Status, version: str) -> dict[str, Any]:
    return {**status, "lastAttemptedVersion": version}


def reconciling(status: Status) -> dict[str, Any]:
    return _with(status, app_status.RECONCILING, description="Reconciling")


def deleting(status: Status, generation: int) -> dict[str, Any]:
    return observed(_with(status, app_status.DELETING, description="Deleting"), generation)


def failed(status: Status, message: str) -> dict[str, Any]:
    """The PackageInstall itself cannot go on: no version, no such package."""
    return _with(status, app_status.RECONCILE_FAILED, message, description=f"Reconcile failed: {message}")


def failed_with_details(status: Status, useful: str) -> dict[str, Any]:
    """``useful`` has lines of its own; the condition only refers to it."""
    return {**failed(status, app_status.DETAILS), "usefulErrorMessage": useful}


def following(status: Status, app: Mapping[str, Any]) -> dict[str, Any]:
    """What ``app`` is in: not observed or running is Reconciling, failures are copied.

    A paused App keeps its last condition, and so does this; one that never ran has none.
    """
    app_now = app.get("status") or {}
    kind, _ = app_status.condition(app_now)
    if app["metadata"].get("generation") != app_now.get("observedGeneration"):
        return _with(status, app_status.RECONCILING, description="Reconciling")
    if kind == app_status.RECONCILE_SUCCEEDED:
        return _with(status, kind, description="Reconcile succeeded")
    if kind == app_status.RECONCILING:
        return _with(status, kind, description="Reconciling")
    if kind in (app_status.RECONCILE_FAILED, app_status.DELETE_FAILED):
        title = "Reconcile failed" if kind == app_status.RECONCILE_FAILED else "Delete failed"
        after = _with(status, kind, app_status.DETAILS, description=f"{title}: {app_status.DETAILS}")
        after["usefulErrorMessage"] = app_now.get("usefulErrorMessage", "")
        return after
    if kind == app_status.DELETING:
        return _with(status, kind, description="Deleting")
    return dict(status)


def _with(status: Status, kind: str, message: str = "", *, description: str) -> dict[str, Any]:
    entry = {"status": "True", "type": kind}
    if message:
        entry["message"] = message
    if len(description) > _DESCRIPTION_WIDTH:
        description = description[:_DESCRIPTION_WIDTH] + "..."
    after = {**status, "conditions": [entry], "friendlyDescription": description}
    after.pop("usefulErrorMessage", None)
    return after
