"""ControllerRevisions: the templates that a StatefulSet or DaemonSet has had, by number."""

from __future__ import annotations

from collections.abc import Sequence

from lapstrake.apiserver.workloads.actions import (
    Action,
    Create,
    Delete,
    Object,
    Update,
    digest_name,
    owner_reference,
)

HASH_LABEL = "controller-revision-hash"
_KEPT = 10


def template_hash(workload: Object) -> str:
    """The name of the workload's present template."""
    return digest_name(workload["spec"]["template"])


def recorded(workload: Object, revisions: Sequence[Object]) -> list[Action]:
    """Number the present template; forget the oldest. ``revisions``: those that the workload controls."""
    name = f"{workload['metadata']['name']}-{template_hash(workload)}"
    latest = max((int(r.get("revision", 0)) for r in revisions), default=0)
    present = next((r for r in revisions if r["metadata"]["name"] == name), None)
    if present is None:
        limit = int(workload["spec"].get("revisionHistoryLimit", _KEPT))
        oldest = sorted(revisions, key=lambda r: int(r.get("revision", 0)))[: max(len(revisions) - limit, 0)]
        return [Create(_revision(workload, name, latest + 1)), *(Delete(r) for r in oldest)]
    if int(present["revision"]) < latest:
        return [Update({**present, "revision": latest + 1})]
    return []


def _revision(workload: Object, name: str, number: int) -> Object:
    labels = (workload["spec"]["template"].get("metadata") or {}).get("labels") or {}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": name,
            "namespace": workload["metadata"]["namespace"],
            "labels": {**labels, HASH_LABEL: template_hash(workload)},
            "ownerReferences": [owner_reference(workload)],
        },
        "data": {"spec": {"template": {**workload["spec"]["template"], "$patch": "replace"}}},
        "revision": number,
    }
