"""Is it done? One small function per kind, all answering with the same record.

Source: messages and conditions as recorded from kapp; fields as the Kubernetes API documents them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lapstrake.kapp.matchers import Matcher
from lapstrake.kube.resource import Resource

MINIMUM_AVAILABLE = "kapp.k14s.io/apps-v1-deployment-wait-minimum-replicas-available"


@dataclass(frozen=True, slots=True)
class Progress:
    """``successful`` counts once ``done``; ``unblocked``: changes behind this one may begin already."""

    done: bool
    successful: bool = False
    message: str = ""
    unblocked: bool = False

    @property
    def state(self) -> str:
        """As the column Rs and the progress lines call it."""
        if not self.done:
            return "ongoing"
        return "ok" if self.successful else "fail"


READY = Progress(done=True, successful=True)


@dataclass(frozen=True, slots=True)
class WaitRule:
    """A rule of a Config resource for kinds that kapp does not know. ``judge`` answers instead of conditions."""

    matches: Matcher
    conditions: tuple[Mapping[str, Any], ...] = ()
    observed_generation: bool = False
    judge: Callable[[Mapping[str, Any]], Progress] | None = None


def ongoing(message: str = "") -> Progress:
    return Progress(done=False, message=message)


def succeeded(message: str = "") -> Progress:
    return Progress(done=True, successful=True, message=message)


def failed(message: str) -> Progress:
    return Progress(done=True, message=message)


def reconciled(resource: Resource, rules: Sequence[WaitRule] = ()) -> Progress:
    """Whether the cluster has made of ``resource`` what was asked for."""
    if resource.deleting:
        return deletion(resource)
    for rule in reversed(rules):
        if rule.matches(resource):
            return _by_rule(resource, rule)
    judge = _BY_KIND.get((resource.group, resource.kind))
    return judge(resource) if judge else READY


def deletion(resource: Resource) -> Progress:
    """Of a resource that is still there."""
    if not resource.deleting:
        return ongoing()
    if resource.finalizers:
        return ongoing(f"Waiting on finalizers: {', '.join(resource.finalizers)}")
    return ongoing("Deleting")


def _unobserved(resource: Resource) -> Progress | None:
    observed = resource.at(("status", "observedGeneration"))
    if resource.generation and observed != resource.generation:
        return ongoing(f"Waiting for generation {resource.generation} to be observed")
    return None


def _condition(resource: Resource, type_: str) -> Progress | None:
    """None if it is True."""
    condition = resource.condition(type_)
    if condition is None:
        return ongoing(f"Condition {type_} is not set")
    if condition.get("status") != "True":
        return ongoing(f"Condition {type_} is not True ({condition.get('status')})")
    return None


def _number(resource: Resource, *path: str) -> int:
    return int(resource.at(path) or 0)


def _reason(condition: Mapping[str, Any]) -> str:
    return f"{condition.get('reason') or ''} (message: {condition.get('message') or ''})"


def _deployment(resource: Resource) -> Progress:
    unobserved = _unobserved(resource)
    if unobserved:
        return unobserved
    progressing, failure = resource.condition("Progressing"), resource.condition("ReplicaFailure")
    if progressing and progressing.get("status") == "False":
        return failed(f"Deployment is not progressing: {_reason(progressing)}")
    if failure and failure.get("status") == "True":
        return failed(f"Deployment has encountered replica failure: {_reason(failure)}")
    wanted = resource.at(("spec", "replicas"), 1)
    minimum = _minimum(resource.annotations.get(MINIMUM_AVAILABLE, ""), wanted)
    if minimum is not None:
        available = _number(resource, "status", "availableReplicas")
        if available < minimum:
            return ongoing(f"Waiting for at least {minimum} available replicas (currently {available})")
        return READY
    unavailable = _number(resource, "status", "unavailableReplicas")
    if unavailable > 0:
        return ongoing(f"Waiting for {unavailable} unavailable replicas")
    missing = int(wanted) - _number(resource, "status", "updatedReplicas")
    return ongoing(f"Waiting for {missing} replicas to be updated") if missing > 0 else READY


def _minimum(text: str, wanted: int) -> int | None:
    """A number of replicas, or a percentage of those wanted."""
    try:
        if text.endswith("%"):
            return -(-int(wanted) * int(text[:-1]) // 100)
        return int(text) if text else None
    except ValueError:
        return None


def _replica_set(resource: Resource) -> Progress:
    if resource.owners:
        return READY  # its owner is waited for
    unobserved = _unobserved(resource)
    if unobserved:
        return unobserved
    missing = int(resource.at(("spec", "replicas"), 1)) - _number(resource, "status", "availableReplicas")
    return ongoing(f"Waiting for {missing} replicas to be available") if missing > 0 else READY


def _daemon_set(resource: Resource) -> Progress:
    unobserved = _unobserved(resource)
    if unobserved:
        return unobserved
    unavailable = _number(resource, "status", "numberUnavailable")
    if unavailable > 0:
        return ongoing(f"Waiting for {unavailable} unavailable pods")
    wanted = _number(resource, "status", "desiredNumberScheduled")
    missing = wanted - _number(resource, "status", "updatedNumberScheduled")
    return ongoing(f"Waiting for {missing} pods to be updated") if missing > 0 else READY


def _stateful_set(resource: Resource) -> Progress:
    unobserved = _unobserved(resource)
    if unobserved:
        return unobserved
    if resource.at(("spec", "updateStrategy", "type")) == "OnDelete":
        return READY
    wanted = int(resource.at(("spec", "replicas"), 1))
    partition = int(resource.at(("spec", "updateStrategy", "rollingUpdate", "partition")) or 0)
    stale = wanted - partition - _number(resource, "status", "updatedReplicas")
    if stale > 0:
        return ongoing(f"Waiting for {stale} replicas to be updated")
    unready = wanted - _number(resource, "status", "readyReplicas")
    return ongoing(f"Waiting for {unready} replicas to be ready") if unready > 0 else READY


def _job(resource: Resource) -> Progress:
    for condition in resource.at(("status", "conditions")) or ():
        if condition.get("status") != "True":
            continue
        if condition.get("type") == "Complete":
            return succeeded("Completed")
        if condition.get("type") == "Failed":
            return failed(f"Failed with reason {condition.get('reason')}: {condition.get('message')}")
    counts = [f"{_number(resource, 'status', name)} {name}" for name in ("active", "failed", "succeeded")]
    return ongoing(f"Waiting to complete ({', '.join(counts)})")


def _pod(resource: Resource) -> Progress:
    phase = resource.at(("status", "phase"), "")
    if phase == "Succeeded":
        return READY
    if phase == "Failed":
        return failed("Phase is failed")
    if phase == "Running":
        return _condition(resource, "Ready") or READY
    if phase != "Pending":
        return ongoing("Phase is unknown") if phase else ongoing("Pending")
    scheduled = resource.condition("PodScheduled")
    if scheduled and scheduled.get("status") == "False":
        return ongoing(f"Pending: {_reason(scheduled)}")
    for name in ("initContainerStatuses", "containerStatuses"):
        for status in resource.at(("status", name)) or ():
            waiting = (status.get("state") or {}).get("waiting")
            if waiting:
                detail = f" (message: {waiting['message']})" if waiting.get("message") else ""
                return ongoing(f"Pending: {waiting.get('reason') or ''}{detail}")
    return ongoing("Pending")


def _service(resource: Resource) -> Progress:
    kind = resource.at(("spec", "type"))
    if kind == "ExternalName":
        return succeeded("External service")
    if not resource.at(("spec", "clusterIP")):
        return ongoing("ClusterIP is empty")
    if kind == "LoadBalancer" and not resource.at(("status", "loadBalancer", "ingress")):
        return ongoing("Load balancer ingress is empty")
    return READY


def _crd(resource: Resource) -> Progress:
    return _condition(resource, "Established") or _condition(resource, "NamesAccepted") or READY


def _api_service(resource: Resource) -> Progress:
    return _condition(resource, "Available") or READY


def _carvel(resource: Resource) -> Progress:
    """App, PackageInstall and PackageRepository speak of themselves with one condition."""
    observed = resource.at(("status", "observedGeneration"))
    if resource.generation != (observed or 0):
        return ongoing(f"Waiting for generation {resource.generation} to be observed")
    useful = resource.at(("status", "usefulErrorMessage"), "")
    for condition in resource.at(("status", "conditions")) or ():
        if condition.get("status") != "True":
            continue
        found = condition.get("type")
        detail = f"{condition.get('reason') or ''} (message: {useful or condition.get('message') or ''})"
        if found == "Reconciling":
            return ongoing("Reconciling")
        if found == "ReconcileSucceeded":
            return READY
        if found == "ReconcileFailed":
            return failed(f"Reconcile failed: {detail}")
        if found == "Deleting":
            return ongoing("Deleting")
        if found == "DeleteFailed":
            return failed(f"Delete failed: {detail}")
    return ongoing("No failing or successful conditions found")


def _by_rule(resource: Resource, rule: WaitRule) -> Progress:
    if rule.judge is not None:
        return rule.judge(resource.body)
    if rule.observed_generation:
        unobserved = _unobserved(resource)
        if unobserved:
            return unobserved
    for wanted in rule.conditions:
        found = resource.condition(str(wanted.get("type")))
        if found is None or found.get("status") != wanted.get("status"):
            continue
        text = f"condition {found['type']} == {found['status']}: {_reason(found)}"
        if wanted.get("failure"):
            return failed(f"Encountered failure {text}")
        if wanted.get("success"):
            return succeeded(f"Encountered successful {text}")
        if wanted.get("timeout") or wanted.get("unblockChanges"):
            return Progress(
                done=False, message=f"In progress: {text}", unblocked=bool(wanted.get("unblockChanges"))
            )
    return ongoing("No failing or successful conditions found")


_BY_KIND: dict[tuple[str, str], Callable[[Resource], Progress]] = {
    ("apps", "Deployment"): _deployment,
    ("extensions", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("extensions", "ReplicaSet"): _replica_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("batch", "Job"): _job,
    ("", "Pod"): _pod,
    ("", "Service"): _service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _crd,
    ("apiregistration.k8s.io", "APIService"): _api_service,
    ("kappctrl.k14s.io", "App"): _carvel,
    ("packaging.carvel.dev", "PackageInstall"): _carvel,
    ("packaging.carvel.dev", "PackageRepository"): _carvel,
}
