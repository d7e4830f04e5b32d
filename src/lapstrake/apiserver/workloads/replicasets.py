"""ReplicaSets: as many Pods as wanted; Pods that match are adopted, those that no longer do are let go."""

from __future__ import annotations

from collections.abc import Sequence

from lapstrake.apiserver.workloads.actions import (
    Action,
    Create,
    Delete,
    Object,
    Update,
    controller_of,
    counts,
    is_finished,
    is_going,
    is_ready,
    owned_by,
    owner_reference,
    pod_from,
    selects,
    status_change,
    with_metadata,
)


def decide(replica_set: Object, pods: Sequence[Object]) -> list[Action]:
    """``pods``: all Pods of the namespace."""
    if is_going(replica_set):
        return []
    mine = [pod for pod in owned_by(replica_set, pods) if selects(replica_set, pod)]
    actions: list[Action] = [
        _released(pod) for pod in owned_by(replica_set, pods) if not selects(replica_set, pod)
    ]
    for pod in pods:
        if (
            controller_of(pod) is None
            and selects(replica_set, pod)
            and not is_going(pod)
            and not is_finished(pod)
        ):
            references = [*(pod["metadata"].get("ownerReferences") or ()), owner_reference(replica_set)]
            actions.append(Update(with_metadata(pod, ownerReferences=references)))
            mine.append(pod)
    active = [pod for pod in mine if not is_going(pod) and not is_finished(pod)]
    wanted = int(replica_set["spec"].get("replicas", 1))
    actions += [Create(pod_from(replica_set)) for _ in range(wanted - len(active))]
    actions += [Delete(pod) for pod in _surplus(active, len(active) - wanted)]
    kept = active if len(active) <= wanted else active[:wanted]
    return actions + status_change(replica_set, _status(replica_set, kept, max(wanted - len(active), 0)))


def _released(pod: Object) -> Action:
    references = [r for r in pod["metadata"]["ownerReferences"] if not r.get("controller")]
    return Update(with_metadata(pod, ownerReferences=references or None))


def _surplus(active: Sequence[Object], count: int) -> Sequence[Object]:
    """The Pods to do without first: those that are not ready, then the youngest."""
    order = sorted(active, key=lambda pod: (is_ready(pod), _reversed_age(pod)))
    return order[: max(count, 0)]


def _reversed_age(pod: Object) -> tuple[int, ...]:
    return tuple(-ord(char) for char in str(pod["metadata"].get("creationTimestamp", "")))


def _status(replica_set: Object, pods: Sequence[Object], coming: int) -> Object:
    labels = (replica_set["spec"]["template"].get("metadata") or {}).get("labels") or {}
    labelled = sum(1 for pod in pods if labels.items() <= (pod["metadata"].get("labels") or {}).items())
    ready = sum(map(is_ready, pods))
    return {
        "replicas": len(pods) + coming,
        **counts(fullyLabeledReplicas=labelled + coming, readyReplicas=ready, availableReplicas=ready),
        "terminatingReplicas": 0,
        "observedGeneration": replica_set["metadata"].get("generation", 1),
    }
