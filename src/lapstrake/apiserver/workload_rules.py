"""What the kinds that make Pods must fulfil: selectors, templates, and what may not change.

Recorded in vectors/kube/validation/required and vectors/kube/validation/immutable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lapstrake.apiserver import metadata_rules, pod_rules
from lapstrake.apiserver.causes import (
    Cause,
    at_least,
    choice,
    forbidden,
    invalid,
    required,
    unchanged,
    unsupported,
)

Object = Mapping[str, Any]
Rules = Callable[[Object, Object | None], Iterator[Cause]]

_SELECTOR_MISMATCH = "`selector` does not match template `labels`"
_STATEFUL_SET_MAY_CHANGE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_STATEFUL_SET_FREE = frozenset(
    [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ]
)
_POD_MAY_CHANGE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def _spec(obj: Object | None) -> Object:
    return (obj or {}).get("spec") or {}


def matches(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector chooses the labels; no selector chooses nothing."""
    if selector is None:
        return False
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    return all(_expression_holds(found, labels) for found in selector.get("matchExpressions") or ())


def _expression_holds(expression: Object, labels: Mapping[str, str]) -> bool:
    key, values = expression.get("key", ""), expression.get("values") or ()
    operator = expression.get("operator")
    if operator == "In":
        return labels.get(key) in values
    if operator == "NotIn":
        return labels.get(key) not in values
    return (key in labels) == (operator == "Exists")


def selector_violations(selector: Object | None, field: str) -> Iterator[Cause]:
    """The form of a label selector."""
    if selector is None:
        return
    yield from metadata_rules.labels(selector.get("matchLabels") or {}, f"{field}.matchLabels")
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        where = f"{field}.matchExpressions[{index}]"
        operator, values = expression.get("operator"), expression.get("values")
        if operator in ("In", "NotIn"):
            if not values:
                yield required(f"{where}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                yield forbidden(f"{where}.values", text)
        else:
            yield invalid(f"{where}.operator", operator, "not a valid selector operator")


def _template(spec: Object, field: str) -> Iterator[Cause]:
    template = spec.get("template") or {}
    found = (template.get("metadata") or {}).get("labels") or {}
    yield from metadata_rules.labels(found, f"{field}.metadata.labels")
    yield from pod_rules.violations(template.get("spec") or {}, f"{field}.spec")


def _selected_template(spec: Object, kind: str) -> Iterator[Cause]:
    selector = spec.get("selector")
    if selector is None:
        yield required("spec.selector")
    elif not selector:
        yield invalid("spec.selector", selector, f"empty selector is invalid for {kind}")
    yield from selector_violations(selector, "spec.selector")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    if not matches(selector, labels or {}):
        yield invalid("spec.template.metadata.labels", labels, _SELECTOR_MISMATCH)
    yield from _template(spec, "spec.template")
    policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy")
    if policy in ("OnFailure", "Never"):
        yield unsupported("spec.template.spec.restartPolicy", policy, ["Always"])


def _deployment(obj: Object, old: Object | None) -> Iterator[Cause]:
    spec = _spec(obj)
    yield from at_least("spec.replicas", spec.get("replicas"))
    yield from _selected_template(spec, "deployment")
    strategy = spec.get("strategy") or {}
    yield from choice("spec.strategy.type", strategy.get("type"), ("Recreate", "RollingUpdate"))
    if strategy.get("type") == "Recreate" and strategy.get("rollingUpdate") is not None:
        text = "may not be specified when strategy `type` is 'Recreate'"
        yield forbidden("spec.strategy.rollingUpdate", text)
    for key in ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        yield from at_least(f"spec.{key}", spec.get(key))
    deadline = spec.get("progressDeadlineSeconds")
    if isinstance(deadline, int) and 0 <= deadline <= spec.get("minReadySeconds", 0):
        yield invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")
    if old is not None:
        yield from unchanged("spec.selector", spec.get("selector"), _spec(old).get("selector"))


def _replica_set(obj: Object, old: Object | None) -> Iterator[Cause]:
    spec = _spec(obj)
    yield from at_least("spec.replicas", spec.get("replicas"))
    yield from _selected_template(spec, "replicaset")
    if old is not None:
        yield from unchanged("spec.selector", spec.get("selector"), _spec(old).get("selector"))


def _daemon_set(obj: Object, old: Object | None) -> Iterator[Cause]:
    spec = _spec(obj)
    yield from _selected_template(spec, "daemonset")
    kind = (spec.get("updateStrategy") or {}).get("type")
    yield from choice("spec.updateStrategy.type", kind, ("RollingUpdate", "OnDelete"))
    if old is not None:
        yield from unchanged("spec.selector", spec.get("selector"), _spec(old).get("selector"))


def _stateful_set(obj: Object, old: Object | None) -> Iterator[Cause]:
    spec = _spec(obj)
    if old is not None:
        keys = (set(spec) | set(_spec(old))) - _STATEFUL_SET_FREE
        if any(spec.get(key) != _spec(old).get(key) for key in keys):
            yield forbidden("spec", _STATEFUL_SET_MAY_CHANGE)
            return
    yield from choice(
        "spec.podManagementPolicy", spec.get("podManagementPolicy"), ("OrderedReady", "Parallel")
    )
    yield from at_least("spec.replicas", spec.get("replicas"))
    yield from _selected_template(spec, "statefulset")


def _job(obj: Object, old: Object | None) -> Iterator[Cause]:
    spec = _spec(obj)
    yield from _job_spec(spec, "spec")
    if old is None:
        return
    before = _spec(old)
    suspended = before.get("suspend") and not before.get("startTime")
    for key in ("completions", "selector", "completionMode", "podFailurePolicy"):
        yield from unchanged(f"spec.{key}", spec.get(key), before.get(key))
    if not suspended:
        yield from unchanged("spec.template", spec.get("template"), before.get("template"))


def _job_spec(spec: Object, field: str) -> Iterator[Cause]:
    for key in ("parallelism", "completions", "backoffLimit", "ttlSecondsAfterFinished"):
        yield from at_least(f"{field}.{key}", spec.get(key))
    template = spec.get("template") or {}
    found = (template.get("metadata") or {}).get("labels") or {}
    yield from metadata_rules.labels(found, f"{field}.template.metadata.labels")
    pod_spec = template.get("spec") or {}
    yield from pod_rules.violations(pod_spec, f"{field}.template.spec")
    where, policies = f"{field}.template.spec.restartPolicy", ("OnFailure", "Never")
    if pod_spec.get("restartPolicy") == "Always":
        yield required(where, 'valid values: "OnFailure", "Never"')
    elif pod_spec.get("restartPolicy") not in policies:
        yield unsupported(where, pod_spec.get("restartPolicy"), policies)


def _cron_job(obj: Object, old: Object | None) -> Iterator[Cause]:
    spec = _spec(obj)
    schedule = spec.get("schedule", "")
    if not schedule:
        yield required("spec.schedule")
    elif not schedule.startswith("@") and len(schedule.split()) != 5:
        count = len(schedule.split())
        text = f"expected exactly 5 fields, found {count}: [{' '.join(schedule.split())}]"
        yield invalid("spec.schedule", schedule, text)
    yield from choice("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), ("Allow", "Forbid", "Replace"))
    for key in ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        yield from at_least(f"spec.{key}", spec.get(key))
    yield from _job_spec((spec.get("jobTemplate") or {}).get("spec") or {}, "spec.jobTemplate.spec")


def _pod(obj: Object, old: Object | None) -> Iterator[Cause]:
    spec = _spec(obj)
    yield from pod_rules.violations(spec, "spec")
    if old is not None and _fixed_part(spec) != _fixed_part(_spec(old)):
        yield forbidden("spec", _POD_MAY_CHANGE)


def _fixed_part(spec: Object) -> dict[str, Any]:
    """What of a Pod's spec may not change after its creation."""
    free = frozenset(
        [
            "activeDeadlineSeconds",
            "tolerations",
            "terminationGracePeriodSeconds",
            "nodeName",
            "schedulingGates",
            "ephemeralContainers",
        ]
    )
    fixed = {key: value for key, value in spec.items() if key not in free}
    for name in ("containers", "initContainers"):
        if name in fixed:
            fixed[name] = [
                {key: value for key, value in container.items() if key not in ("image", "resources")}
                for container in fixed[name]
            ]
    return fixed


def _replication_controller(obj: Object, old: Object | None) -> Iterator[Cause]:
    spec = _spec(obj)
    yield from at_least("spec.replicas", spec.get("replicas"))
    selector = spec.get("selector") or {}
    if not selector:
        yield required("spec.selector")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if selector and not selector.items() <= labels.items():
        yield invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from _template(spec, "spec.template")


RULES: Mapping[str, Rules] = {
    "core.v1.Pod": _pod,
    "core.v1.ReplicationController": _replication_controller,
    "apps.v1.Deployment": _deployment,
    "apps.v1.ReplicaSet": _replica_set,
    "apps.v1.DaemonSet": _daemon_set,
    "apps.v1.StatefulSet": _stateful_set,
    "batch.v1.Job": _job,
    "batch.v1.CronJob": _cron_job,
}
