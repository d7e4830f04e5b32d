"""Waiting for a PackageInstall, telling meanwhile what its App does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lapstrake.errors import InputError
from lapstrake.operations.app_progress import PAUSED, AppProgress, Outcome
from lapstrake.operations.cluster_access import APPS, INSTALLS
from lapstrake.operations.package_ports import Cluster, Report, Wait, condition, find, observed

Object = Mapping[str, Any]
_FAILED = ("ReconcileFailed", "DeleteFailed")


def described(namespace: str, name: str) -> str:
    return f"packageinstall/{name} ({INSTALLS.api_version}) namespace: {namespace}"


_GRACE = 3.0  # seconds in which a change of annotations should have reached the App


def wait_for_install(
    cluster: Cluster,
    namespace: str,
    name: str,
    former: Object | None,
    report: Report,
    wait: Wait,
    *,
    unnoticed: bool = False,
) -> None:
    """Until the PackageInstall is reconciled. ``former`` is its App before the change that is waited for.

    ``unnoticed``: the change did not touch the PackageInstall's spec, so its generation cannot tell whether the
    controller has seen it; the App must show it, or some seconds pass.

    Raises InputError if it fails, with the reasons of both; TimedOutError after ``wait.timeout``.
    """
    report.step(f"Waiting for PackageInstall reconciliation for '{name}'")
    run = _Run(cluster, namespace, name, former, report, wait)
    if unnoticed:
        end = wait.now() + min(_GRACE, wait.timeout)
        wait.until(lambda: run.has_changed() or wait.now() >= end, described(namespace, name))
    wait.until(run.is_done, described(namespace, name))


class _Run:
    def __init__(
        self, cluster: Cluster, namespace: str, name: str, former: Object | None, report: Report, wait: Wait
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._name = name
        self._report = report
        self._former = former
        self._progress = AppProgress(report, wait.now, former=former)
        self._outcome: Outcome | None = None
        self._told = ""

    def has_changed(self) -> bool:
        """Whether the App is another than the former one, or has been at work since."""
        app = find(self._cluster, APPS, self._namespace, self._name)
        if app is None or self._former is None:
            return app is not self._former
        return not observed(app) or _work(app) != _work(self._former)

    def is_done(self) -> bool:
        install = self._cluster.get(INSTALLS, self._namespace, self._name)
        state = condition(install) if observed(install) else ""
        app = find(self._cluster, APPS, self._namespace, self._name)
        if app is not None and state and self._outcome is None and self._concerns(install, state, app):
            self._outcome = self._progress.advance(app)
            if self._outcome is not None and self._outcome.failure:
                self._report.step(f"Error tailing app: {self._outcome.failure}\n")
        if self._outcome is not None and self._outcome.failure:
            self._tell(state)
        if state in _FAILED:
            raise InputError(failure(install, described(self._namespace, self._name)))
        return state == "ReconcileSucceeded" and (app is None or _is_at_rest(app, install))

    def _concerns(self, install: Object, state: str, app: Object) -> bool:
        """Whether the App's steps belong to what is waited for: not if the PackageInstall failed by itself."""
        if state not in _FAILED:
            return True
        texts = [(obj.get("status") or {}).get("usefulErrorMessage") for obj in (install, app)]
        return condition(app) in _FAILED and texts[0] == texts[1]

    def _tell(self, state: str) -> None:
        if state and state != self._told:
            self._told = state
            self._report.step(f"{described(self._namespace, self._name)}: {state}")


def _work(app: Object) -> tuple[object, object]:
    return app["metadata"].get("generation"), (app.get("status") or {}).get("fetch")


def _is_at_rest(app: Object, install: Object) -> bool:
    """Whether the App has done what the PackageInstall asks: its success may still be that of an earlier state."""
    if bool(app["spec"].get("paused")) != bool(install["spec"].get("paused")):
        return False
    return observed(app) and condition(app) != "Reconciling"


def failure(obj: Object, what: str, doing: str = "Reconciling") -> str:
    """Why an object failed: the useful message of the tool, then the friendly one."""
    status = obj.get("status") or {}
    return f"{what}: {doing}: {status.get('usefulErrorMessage', '')}. {status.get('friendlyDescription', '')}"


def wait_until_paused(cluster: Cluster, namespace: str, name: str, wait: Wait) -> None:
    """Until the App of a paused PackageInstall stands still; at once if it has none, or cannot reach it.

    A PackageInstall that finds no version, say, has been seen without its App being paused.
    """

    def is_paused() -> bool:
        install = cluster.get(INSTALLS, namespace, name)
        app = find(cluster, APPS, namespace, name)
        if app is None or (observed(install) and not app["spec"].get("paused")):
            return observed(install)
        status = app.get("status") or {}
        return observed(app) and status.get("friendlyDescription") == PAUSED

    wait.until(is_paused, described(namespace, name))
