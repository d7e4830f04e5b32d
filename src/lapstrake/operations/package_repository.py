"""Repositories of packages: add, change, look at, reconcile now, delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lapstrake.errors import InputError
from lapstrake.operations.app_progress import PAUSED, AppProgress
from lapstrake.operations.cluster_access import REPOSITORIES
from lapstrake.operations.package_ports import MERGE_PATCH, Cluster, Report, Wait, condition, find, observed
from lapstrake.operations.packages_installed import status_text

Object = Mapping[str, Any]
_SOURCES = {"imgpkgBundle": "image", "image": "url", "http": "url", "git": "url"}


@dataclass(frozen=True, slots=True)
class RepositoryRequest:
    """``url`` names a bundle; ``secret`` one with credentials; ``constraints`` choose among its tags."""

    name: str
    namespace: str
    url: str
    secret: str = ""
    constraints: str = ""


@dataclass(frozen=True, slots=True)
class RepositorySummary:
    namespace: str
    name: str
    source: str
    status: str


def repository_object(request: RepositoryRequest) -> dict[str, Any]:
    """The PackageRepository that a request asks for."""
    bundle: dict[str, Any] = {"image": request.url}
    if request.constraints:
        bundle["tagSelection"] = {"semver": {"constraints": request.constraints}}
    if request.secret:
        bundle["secretRef"] = {"name": request.secret}
    return {
        "apiVersion": REPOSITORIES.api_version,
        "kind": REPOSITORIES.kind,
        "metadata": {"name": request.name, "namespace": request.namespace},
        "spec": {"fetch": {"imgpkgBundle": bundle}},
    }


def summaries(cluster: Cluster, namespace: str | None) -> list[RepositorySummary]:
    """By namespace and name. ``namespace`` None: everywhere."""
    found = [summary(obj) for obj in cluster.list(REPOSITORIES, namespace).items]
    return sorted(found, key=lambda r: (r.namespace, r.name))


def summary(obj: Object) -> RepositorySummary:
    metadata = obj["metadata"]
    return RepositorySummary(
        metadata.get("namespace", ""), metadata["name"], source_text(obj), status_text(obj)
    )


def source_text(obj: Object) -> str:
    """``(imgpkg) host/repo:tag``; what is not fetched from elsewhere is ``(unknown)``."""
    fetch = (obj.get("spec") or {}).get("fetch") or {}
    for kind, key in _SOURCES.items():
        if fetch.get(kind):
            source = fetch[kind]
            tag = ((source.get("tagSelection") or {}).get("semver") or {}).get("constraints", "")
            shown = f" ({tag})" if tag else ""
            return f"({'imgpkg' if kind == 'imgpkgBundle' else kind}) {source.get(key, '')}{shown}"
    return "(unknown)"


def add(cluster: Cluster, request: RepositoryRequest, report: Report, wait: Wait) -> None:
    """Create a repository and wait until its packages are there; one that exists is changed if it differs.

    Raises InputError if it cannot be reconciled.
    """
    existing = find(cluster, REPOSITORIES, request.namespace, request.name)
    wanted = repository_object(request)
    if existing is not None:
        if existing["spec"].get("fetch") == wanted["spec"]["fetch"]:
            _follow(cluster, request.namespace, request.name, None, report, wait)
        else:
            update(cluster, request, report, wait)
        return
    report.step(f"Creating package repository resource '{request.name}' in namespace '{request.namespace}'")
    cluster.create(REPOSITORIES, wanted)
    if wait.enabled:
        report.sentence("Waiting for package repository to be added")
        _await(cluster, request.namespace, request.name, None, report, wait)


def update(cluster: Cluster, request: RepositoryRequest, report: Report, wait: Wait) -> None:
    """Let a repository be fetched from elsewhere. Raises NotFoundError, InputError if it cannot be reconciled."""
    existing = cluster.get(REPOSITORIES, request.namespace, request.name)
    report.step(f"Updating package repository resource '{request.name}' in namespace '{request.namespace}'")
    spec = {**existing["spec"], "fetch": repository_object(request)["spec"]["fetch"]}
    cluster.replace(REPOSITORIES, {**existing, "spec": spec})
    if wait.enabled:
        _await(cluster, request.namespace, request.name, existing, report, wait)


def kick(cluster: Cluster, namespace: str, name: str, report: Report, wait: Wait) -> None:
    """Reconcile now: pause, then go on."""
    report.step(f"Triggering reconciliation for package repository '{name}' in namespace '{namespace}'")
    cluster.patch(REPOSITORIES, namespace, name, {"spec": {"paused": True}}, MERGE_PATCH)

    def is_paused() -> bool:
        obj = cluster.get(REPOSITORIES, namespace, name)
        return observed(obj) and (obj.get("status") or {}).get("friendlyDescription") == PAUSED

    wait.until(is_paused, described(namespace, name))
    former = cluster.get(REPOSITORIES, namespace, name)
    cluster.patch(REPOSITORIES, namespace, name, {"spec": {"paused": None}}, MERGE_PATCH)
    if wait.enabled:
        _await(cluster, namespace, name, former, report, wait)


def delete(cluster: Cluster, namespace: str, name: str, report: Report, wait: Wait) -> None:
    """Delete a repository with its packages. Raises NotFoundError, InputError if the deletion fails."""
    cluster.delete(REPOSITORIES, namespace, name)
    if not wait.enabled:
        return
    report.step(f"Waiting for package repository reconciliation for '{name}'")
    progress = AppProgress(report, wait.now, "repository")

    def is_gone() -> bool:
        obj = find(cluster, REPOSITORIES, namespace, name)
        if obj is not None and observed(obj) and condition(obj) == "DeleteFailed":
            outcome = progress.advance(obj)
            raise InputError(outcome.failure if outcome else "Deletion failed")
        return obj is None

    wait.until(is_gone, described(namespace, name))
    report.step(f"{described(namespace, name)}: DeletionSucceeded")


def described(namespace: str, name: str) -> str:
    return f"packagerepository/{name} ({REPOSITORIES.api_version}) namespace: {namespace}"


def _await(
    cluster: Cluster, namespace: str, name: str, former: Object | None, report: Report, wait: Wait
) -> None:
    report.step(f"Waiting for package repository reconciliation for '{name}'")
    _follow(cluster, namespace, name, former, report, wait)


def _follow(
    cluster: Cluster, namespace: str, name: str, former: Object | None, report: Report, wait: Wait
) -> None:
    progress = AppProgress(report, wait.now, "repository", former)

    def is_done() -> bool:
        outcome = progress.advance(cluster.get(REPOSITORIES, namespace, name))
        if outcome is not None and outcome.failure:
            raise InputError(outcome.failure)
        return outcome is not None

    wait.until(is_done, described(namespace, name))
