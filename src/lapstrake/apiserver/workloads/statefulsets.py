"""StatefulSets: Pods with numbers, made one after the other, each with its claims."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from lapstrake.apiserver.workloads.actions import (
    Action,
    Create,
    Delete,
    Object,
    counts,
    is_going,
    is_ready,
    owned_by,
    pod_from,
    status_change,
)
from lapstrake.apiserver.workloads.revisions import HASH_LABEL, recorded, template_hash


def decide(
    stateful_set: Object, pods: Sequence[Object], claims: Sequence[Object], revisions: Sequence[Object] = ()
) -> list[Action]:
    """``pods``, ``claims``, ``revisions``: all Pods, PersistentVolumeClaims and ControllerRevisions of the namespace."""
    if is_going(stateful_set):
        return []
    name = stateful_set["metadata"]["name"]
    revision = f"{name}-{template_hash(stateful_set)}"
    mine = {_ordinal(pod): pod for pod in owned_by(stateful_set, pods)}
    wanted = int(stateful_set["spec"].get("replicas", 1))
    parallel = stateful_set["spec"].get("podManagementPolicy") == "Parallel"
    actions = _grown(
        stateful_set, mine, wanted, revision, {c["metadata"]["name"] for c in claims}, parallel=parallel
    )
    if not actions:
        actions = _shrunk(mine, wanted, parallel=parallel) or _renewed(stateful_set, mine, revision)
    actions += recorded(stateful_set, owned_by(stateful_set, revisions))
    return actions + status_change(stateful_set, _status(stateful_set, list(mine.values()), revision))


def _ordinal(pod: Object) -> int:
    tail = str(pod["metadata"]["name"]).rpartition("-")[2]
    return int(tail) if tail.isdigit() else -1


def _grown(
    stateful_set: Object,
    mine: dict[int, Object],
    wanted: int,
    revision: str,
    claims: set[str],
    *,
    parallel: bool,
) -> list[Action]:
    actions: list[Action] = []
    for ordinal in range(wanted):
        pod = mine.get(ordinal)
        if pod is None:
            made = _claims(stateful_set, ordinal)
            actions += [Create(claim) for claim in made if claim["metadata"]["name"] not in claims]
            actions.append(Create(_pod(stateful_set, ordinal, revision)))
        if not parallel and (pod is None or is_going(pod) or not is_ready(pod)):
            break
    return actions


def _shrunk(mine: dict[int, Object], wanted: int, *, parallel: bool) -> list[Action]:
    surplus = sorted((ordinal for ordinal in mine if ordinal >= wanted), reverse=True)
    if any(is_going(mine[ordinal]) for ordinal in surplus) and not parallel:
        return []
    return [
        Delete(mine[ordinal])
        for ordinal in (surplus if parallel else surplus[:1])
        if not is_going(mine[ordinal])
    ]


def _renewed(stateful_set: Object, mine: dict[int, Object], revision: str) -> list[Action]:
    """Replace the last Pod of an older template, if all are ready."""
    strategy = stateful_set["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete" or not all(
        is_ready(pod) and not is_going(pod) for pod in mine.values()
    ):
        return []
    first = int((strategy.get("rollingUpdate") or {}).get("partition", 0))
    stale = [
        o
        for o, pod in mine.items()
        if o >= first and (pod["metadata"].get("labels") or {}).get(HASH_LABEL) != revision
    ]
    return [Delete(mine[max(stale)])] if stale else []


def _pod(stateful_set: Object, ordinal: int, revision: str) -> Object:
    name = f"{stateful_set['metadata']['name']}-{ordinal}"
    labels = {
        "apps.kubernetes.io/pod-index": str(ordinal),
        HASH_LABEL: revision,
        "statefulset.kubernetes.io/pod-name": name,
    }
    pod = pod_from(stateful_set, name=name, labels=labels)
    spec = pod["spec"]
    spec["hostname"] = name
    if service := stateful_set["spec"].get("serviceName"):
        spec["subdomain"] = service
    templates = stateful_set["spec"].get("volumeClaimTemplates") or ()
    claimed = {template["metadata"]["name"] for template in templates}
    volumes = [volume for volume in spec.get("volumes") or () if volume["name"] not in claimed]
    for template in templates:
        volume = template["metadata"]["name"]
        volumes.append({"name": volume, "persistentVolumeClaim": {"claimName": f"{volume}-{name}"}})
    if volumes:
        spec["volumes"] = volumes
    return pod


def _claims(stateful_set: Object, ordinal: int) -> list[Object]:
    metadata = stateful_set["metadata"]
    claims = []
    for template in stateful_set["spec"].get("volumeClaimTemplates") or ():
        claim = orjson.loads(orjson.dumps(template))
        given = claim.get("metadata") or {}
        labels = {
            **((stateful_set["spec"].get("selector") or {}).get("matchLabels") or {}),
            **(given.get("labels") or {}),
        }
        claim["metadata"] = {
            "name": f"{given['name']}-{metadata['name']}-{ordinal}",
            "namespace": metadata["namespace"],
            "labels": labels,
            **({"annotations": given["annotations"]} if given.get("annotations") else {}),
        }
        claims.append({**claim, "apiVersion": "v1", "kind": "PersistentVolumeClaim"})
    return claims


def _status(stateful_set: Object, pods: Sequence[Object], revision: str) -> Object:
    present = [pod for pod in pods if not is_going(pod)]
    ready = sum(map(is_ready, present))
    updated = sum(1 for pod in present if (pod["metadata"].get("labels") or {}).get(HASH_LABEL) == revision)
    before = stateful_set.get("status") or {}
    current = revision if updated == len(present) else before.get("currentRevision", revision)
    return {
        "observedGeneration": stateful_set["metadata"].get("generation", 1),
        "replicas": len(present),
        **counts(readyReplicas=ready),
        **counts(
            currentReplicas=updated if current == revision else len(present) - updated,
            updatedReplicas=updated,
        ),
        "currentRevision": current,
        "updateRevision": revision,
        "collisionCount": 0,
        "availableReplicas": ready,
    }
