"""Deployments: a ReplicaSet for each template, the newest one scaled up, the others down."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from lapstrake.apiserver.workloads.actions import (
    Action,
    Create,
    Delete,
    Object,
    SetStatus,
    Update,
    condition,
    counts,
    digest_name,
    is_going,
    owner_reference,
    status_change,
    with_metadata,
)

REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
HASH = "pod-template-hash"


def decide(deployment: Object, replica_sets: Sequence[Object], now: str) -> list[Action]:
    """``replica_sets``: those that the Deployment controls. ``now``: RFC 3339."""
    if is_going(deployment):
        return []
    newest = next(
        (rs for rs in replica_sets if _template_of(rs) == _plain(deployment["spec"]["template"])), None
    )
    others = [
        rs for rs in replica_sets if newest is None or rs["metadata"]["uid"] != newest["metadata"]["uid"]
    ]
    paused = bool(deployment["spec"].get("paused"))
    actions: list[Action] = []
    revision = max([_revision(rs) for rs in others], default=0) + 1
    if newest is None:
        if not paused:
            actions.append(Create(_replica_set(deployment, revision)))
    else:
        revision = max(revision, _revision(newest))
        actions += _scaled(newest, _replicas(deployment), deployment, revision)
        if not paused:
            actions += _retired(deployment, newest, others)
    status = _status(deployment, newest, replica_sets, now)
    if not paused and _annotation(deployment, REVISION) != str(revision):
        # The revision goes with the status: by itself it would count as a new generation.
        numbered = _annotated(deployment, {REVISION: str(revision)})
        return [*actions, SetStatus({**numbered, "status": status})]
    return actions + status_change(deployment, status)


def _replicas(deployment: Object) -> int:
    return int(deployment["spec"].get("replicas", 1))


def _plain(template: Object) -> Object:
    """A template for comparing: without the label that tells ReplicaSets apart, and without empty parts."""
    metadata = {key: value for key, value in (template.get("metadata") or {}).items() if value}
    if HASH in (metadata.get("labels") or {}):
        metadata["labels"] = {key: value for key, value in metadata["labels"].items() if key != HASH}
    return {**template, "metadata": metadata}


def _template_of(replica_set: Object) -> Object:
    return _plain(replica_set["spec"]["template"])


def _annotation(obj: Object, name: str) -> str:
    return str((obj["metadata"].get("annotations") or {}).get(name, ""))


def _annotated(obj: Object, annotations: Object) -> Object:
    return with_metadata(obj, annotations={**(obj["metadata"].get("annotations") or {}), **annotations})


def _revision(replica_set: Object) -> int:
    text = _annotation(replica_set, REVISION)
    return int(text) if text.isdigit() else 0


def _replica_set(deployment: Object, revision: int) -> Object:
    template = orjson.loads(orjson.dumps(_plain(deployment["spec"]["template"])))
    name = digest_name(template)
    labels = {**(template["metadata"].get("labels") or {}), HASH: name}
    template["metadata"]["labels"] = labels
    selector = orjson.loads(orjson.dumps(deployment["spec"]["selector"]))
    selector.setdefault("matchLabels", {})[HASH] = name
    inherited = {k: v for k, v in (deployment["metadata"].get("annotations") or {}).items() if not _is_own(k)}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{deployment['metadata']['name']}-{name}",
            "namespace": deployment["metadata"]["namespace"],
            "labels": labels,
            "annotations": {**inherited, **_bounds(deployment), REVISION: str(revision)},
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {"replicas": _replicas(deployment), "selector": selector, "template": template},
    }


def _is_own(annotation: str) -> bool:
    return annotation in (REVISION, DESIRED, MAXIMUM, "kubectl.kubernetes.io/last-applied-configuration")


def _bounds(deployment: Object) -> Object:
    replicas = _replicas(deployment)
    strategy = deployment["spec"].get("strategy") or {}
    surge = (
        (strategy.get("rollingUpdate") or {}).get("maxSurge", 0) if strategy.get("type") != "Recreate" else 0
    )
    extra = -(-replicas * int(surge[:-1]) // 100) if isinstance(surge, str) else int(surge)
    return {DESIRED: str(replicas), MAXIMUM: str(replicas + extra)}


def _scaled(
    replica_set: Object, replicas: int, deployment: Object, revision: int | None = None
) -> list[Action]:
    wanted = dict(_bounds(deployment))
    if revision is not None:
        wanted[REVISION] = str(revision)
    annotations = replica_set["metadata"].get("annotations") or {}
    if replica_set["spec"].get("replicas", 1) == replicas and wanted.items() <= annotations.items():
        return []
    changed = _annotated(replica_set, wanted)
    return [Update({**changed, "spec": {**changed["spec"], "replicas": replicas}})]


def _retired(deployment: Object, newest: Object, others: Sequence[Object]) -> list[Action]:
    """Old ReplicaSets give way once the new one is up (at once with Recreate); the oldest are forgotten."""
    ready = (newest.get("status") or {}).get("availableReplicas", 0) >= _replicas(deployment)
    if not ready and (deployment["spec"].get("strategy") or {}).get("type") != "Recreate":
        return []
    actions: list[Action] = []
    for replica_set in others:
        actions += _scaled(replica_set, 0, deployment)
    empty = [
        rs for rs in others if not rs["spec"].get("replicas") and not (rs.get("status") or {}).get("replicas")
    ]
    surplus = len(empty) - int(deployment["spec"].get("revisionHistoryLimit", 10))
    return actions + [Delete(rs) for rs in sorted(empty, key=_revision)[: max(surplus, 0)]]


def _status(deployment: Object, newest: Object | None, replica_sets: Sequence[Object], now: str) -> Object:
    def total(field: str, of: Sequence[Object]) -> int:
        return sum((rs.get("status") or {}).get(field, 0) for rs in of)

    wanted = _replicas(deployment)
    updated = total("replicas", [newest] if newest else [])
    available, ready = total("availableReplicas", replica_sets), total("readyReplicas", replica_sets)
    replicas = total("replicas", replica_sets)
    status: Object = {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        **counts(
            replicas=replicas,
            updatedReplicas=updated,
            readyReplicas=ready,
            availableReplicas=available,
            unavailableReplicas=max(wanted - available, 0),
        ),
        "terminatingReplicas": 0,
    }
    complete = updated == wanted and replicas == wanted and available >= wanted and newest is not None
    before = (deployment.get("status") or {}).get("conditions") or []
    status["conditions"] = _conditions(deployment, newest, before, available >= wanted, complete, now)
    return status


def _conditions(
    deployment: Object,
    newest: Object | None,
    before: Sequence[Object],
    available: bool,
    complete: bool,
    now: str,
) -> list[Object]:
    words = (
        ("has", "MinimumReplicasAvailable") if available else ("does not have", "MinimumReplicasUnavailable")
    )
    conditions = [
        condition(
            before,
            "Available",
            available,
            words[1],
            f"Deployment {words[0]} minimum availability.",
            now,
            updates=True,
        )
    ]
    if deployment["spec"].get("paused"):
        conditions.append(
            condition(
                before, "Progressing", True, "DeploymentPaused", "Deployment is paused", now, updates=True
            )
        )
    elif newest is not None:
        name = newest["metadata"]["name"]
        done = f'ReplicaSet "{name}" has successfully progressed.'
        stays = any(c.get("type") == "Progressing" and c.get("message") == done for c in before)
        if complete or stays:
            conditions.append(
                condition(before, "Progressing", True, "NewReplicaSetAvailable", done, now, updates=True)
            )
        else:
            text = f'ReplicaSet "{name}" is progressing.'
            conditions.append(
                condition(before, "Progressing", True, "ReplicaSetUpdated", text, now, updates=True)
            )
    return conditions
