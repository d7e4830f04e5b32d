"""DaemonSets: one Pod on every node."""

from __future__ import annotations

from collections.abc import Sequence

from lapstrake.apiserver.workloads.actions import (
    Action,
    Create,
    Delete,
    Object,
    counts,
    digest_name,
    is_finished,
    is_going,
    is_ready,
    owned_by,
    pod_from,
    status_change,
)

REVISION = "controller-revision-hash"


def decide(daemon_set: Object, pods: Sequence[Object], nodes: Sequence[Object]) -> list[Action]:
    """``pods``: all Pods of the namespace. Every node is suitable: they are all simulated alike."""
    if is_going(daemon_set):
        return []
    revision = digest_name(daemon_set["spec"]["template"])
    mine = [pod for pod in owned_by(daemon_set, pods) if not is_going(pod)]
    names = [node["metadata"]["name"] for node in nodes]
    by_node: dict[str, Object] = {}
    actions: list[Action] = []
    for pod in mine:
        node = pod["spec"].get("nodeName", "")
        stale = (pod["metadata"].get("labels") or {}).get(REVISION) != revision
        if node not in names or node in by_node or stale or is_finished(pod):
            actions.append(Delete(pod))
        else:
            by_node[node] = pod
    for node in names:
        if node not in by_node:
            pod = pod_from(
                daemon_set,
                labels={REVISION: revision, "pod-template-generation": _template_generation(daemon_set)},
            )
            pod["spec"]["nodeName"] = node
            actions.append(Create(pod))
    return actions + status_change(daemon_set, _status(daemon_set, list(by_node.values()), len(names)))


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
