"""DaemonSets: one Pod on every node."""

from __future__ import annotations

from collections.abc import Sequence

from lapstrake.apiserver.workloads.actions import (
    Action,
    Create,
    Delete,
    Object,
    counts,
    is_finished,
    is_going,
    is_ready,
    owned_by,
    pod_from,
    status_change,
)
from lapstrake.apiserver.workloads.revisions import HASH_LABEL, recorded, template_hash


def decide(
    daemon_set: Object, pods: Sequence[Object], nodes: Sequence[Object], revisions: Sequence[Object] = ()
) -> list[Action]:
    """``pods``: all Pods of the namespace; ``revisions``: those of the DaemonSet. A node suits if it carries the labels that the template selects."""
    if is_going(daemon_set):
        return []
    revision = template_hash(daemon_set)
    mine = [pod for pod in owned_by(daemon_set, pods) if not is_going(pod)]
    names = [node["metadata"]["name"] for node in nodes if _suits(node, daemon_set)]
    by_node: dict[str, Object] = {}
    actions = recorded(daemon_set, owned_by(daemon_set, revisions))
    for pod in mine:
        node = pod["spec"].get("nodeName", "")
        stale = (pod["metadata"].get("labels") or {}).get(HASH_LABEL) != revision
        if node not in names or node in by_node or stale or is_finished(pod):
            actions.append(Delete(pod))
        else:
            by_node[node] = pod
    for node in names:
        if node not in by_node:
            pod = pod_from(
                daemon_set,
                labels={HASH_LABEL: revision, "pod-template-generation": _template_generation(daemon_set)},
            )
            pod["spec"]["nodeName"] = node
            actions.append(Create(pod))
    return actions + status_change(daemon_set, _status(daemon_set, list(by_node.values()), len(names)))


def _suits(node: Object, daemon_set: Object) -> bool:
    wanted = daemon_set["spec"]["template"]["spec"].get("nodeSelector") or {}
    return bool(wanted.items() <= (node["metadata"].get("labels") or {}).items())


def _template_generation(daemon_set: Object) -> str:
    annotations = daemon_set["metadata"].get("annotations") or {}
    return str(annotations.get("deprecated.daemonset.template.generation", "1"))


def _status(daemon_set: Object, pods: Sequence[Object], desired: int) -> Object:
    ready = sum(map(is_ready, pods))
    return {
        "currentNumberScheduled": len(pods),
        "desiredNumberScheduled": desired,
        **counts(numberAvailable=ready, numberUnavailable=desired - ready),
        "numberMisscheduled": 0,
        "numberReady": ready,
        "observedGeneration": daemon_set["metadata"].get("generation", 1),
        **counts(updatedNumberScheduled=len(pods)),
    }
