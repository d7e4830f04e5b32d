"""Table columns and cells of Pods and of the kinds that make Pods."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lapstrake.apiserver.ages import UNKNOWN, age, duration, moment
from lapstrake.apiserver.table_columns import (
    NONE,
    Printer,
    age_of,
    columns,
    container_texts,
    labels_text,
    name_of,
    selector_text,
    spec_of,
    status_of,
)

Object = Mapping[str, Any]


def _template(obj: Object) -> Object:
    return (spec_of(obj).get("template") or {}).get("spec") or {}


def _pod(obj: Object, now: datetime) -> list[Any]:
    spec, status = spec_of(obj), status_of(obj)
    statuses = status.get("containerStatuses") or ()
    ready = sum(1 for found in statuses if found.get("ready") and "running" in (found.get("state") or {}))
    gates = spec.get("readinessGates") or ()
    conditions = {found.get("type"): found.get("status") for found in status.get("conditions") or ()}
    passed = sum(1 for gate in gates if conditions.get(gate.get("conditionType")) == "True")
    return [
        name_of(obj),
        f"{ready}/{len(spec.get('containers') or ())}",
        pod_phase(obj),
        _restarts(statuses, now),
        age_of(obj, now),
        status.get("podIP") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        f"{passed}/{len(gates)}" if gates else NONE,
    ]


def _restarts(statuses: Any, now: datetime) -> str:
    count = sum(found.get("restartCount", 0) for found in statuses)
    ends = [
        end
        for found in statuses
        if (end := moment(((found.get("lastState") or {}).get("terminated") or {}).get("finishedAt")))
    ]
    if not count or not ends:
        return str(count)
    return f"{count} ({duration((now - max(ends)).total_seconds())} ago)"


def pod_phase(pod: Object) -> str:
    """The one word for a Pod's state: what its containers say goes before the phase."""
    status = status_of(pod)
    reason: str = status.get("reason") or status.get("phase") or ""
    waiting = _init_reason(pod)
    if waiting is not None:
        reason = waiting
    else:
        reason = _container_reason(status, reason)
    if pod["metadata"].get("deletionTimestamp"):
        return UNKNOWN[1:-1].title() if status.get("reason") == "NodeLost" else "Terminating"
    return reason


def _init_reason(pod: Object) -> str | None:
    """What the first unfinished init container is doing, if one is unfinished."""
    sidecars = {
        container.get("name")
        for container in spec_of(pod).get("initContainers") or ()
        if container.get("restartPolicy") == "Always"
    }
    total = len(spec_of(pod).get("initContainers") or ())
    for index, found in enumerate(status_of(pod).get("initContainerStatuses") or ()):
        state = found.get("state") or {}
        if (state.get("terminated") or {}).get("exitCode") == 0 and "terminated" in state:
            continue
        if found.get("name") in sidecars and found.get("started"):
            continue
        if "terminated" in state:
            return "Init:" + _ended(state["terminated"])
        reason = (state.get("waiting") or {}).get("reason", "")
        return f"Init:{reason}" if reason and reason != "PodInitializing" else f"Init:{index}/{total}"
    return None


def _ended(terminated: Object) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _container_reason(status: Object, reason: str) -> str:
    running = False
    for found in reversed(status.get("containerStatuses") or ()):
        state = found.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif "terminated" in state:
            reason = _ended(state["terminated"])
        elif found.get("ready") and "running" in state:
            running = True
    if reason == "Completed" and running:
        conditions = {found.get("type"): found.get("status") for found in status.get("conditions") or ()}
        return "Running" if conditions.get("Ready") == "True" else "NotReady"
    return reason


def _deployment(obj: Object, now: datetime) -> list[Any]:
    spec, status = spec_of(obj), status_of(obj)
    return [
        name_of(obj),
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age_of(obj, now),
        *container_texts(_template(obj)),
        selector_text(spec.get("selector")),
    ]


def _replica_set(obj: Object, now: datetime) -> list[Any]:
    spec, status = spec_of(obj), status_of(obj)
    selector = spec.get("selector")
    plain = obj.get("kind") == "ReplicationController"
    return [
        name_of(obj),
        spec.get("replicas", 0),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        age_of(obj, now),
        *container_texts(_template(obj)),
        labels_text(selector) if plain else selector_text(selector),
    ]


def _stateful_set(obj: Object, now: datetime) -> list[Any]:
    ready = f"{status_of(obj).get('readyReplicas', 0)}/{spec_of(obj).get('replicas', 0)}"
    return [name_of(obj), ready, age_of(obj, now), *container_texts(_template(obj))]


def _daemon_set(obj: Object, now: datetime) -> list[Any]:
    status = status_of(obj)
    counts = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    return [
        name_of(obj),
        *(status.get(count, 0) for count in counts),
        labels_text(_template(obj).get("nodeSelector")),
        age_of(obj, now),
        *container_texts(_template(obj)),
        selector_text(spec_of(obj).get("selector")),
    ]


def _job(obj: Object, now: datetime) -> list[Any]:
    spec, status = spec_of(obj), status_of(obj)
    done = status.get("succeeded", 0)
    if spec.get("completions") is not None:
        completions = f"{done}/{spec['completions']}"
    elif spec.get("parallelism", 1) > 1:
        completions = f"{done}/1 of {spec['parallelism']}"
    else:
        completions = f"{done}/1"
    start, end = moment(status.get("startTime")), moment(status.get("completionTime"))
    took = "" if start is None else duration(((end or now) - start).total_seconds())
    return [
        name_of(obj),
        _job_state(obj),
        completions,
        took,
        age_of(obj, now),
        *container_texts(_template(obj)),
        selector_text(spec.get("selector")),
    ]


def _job_state(obj: Object) -> str:
    conditions = {
        found.get("type") for found in status_of(obj).get("conditions") or () if found.get("status") == "True"
    }
    if "Complete" in conditions:
        return "Complete"
    if "Failed" in conditions:
        return "Failed"
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for condition, text in (
        ("Suspended", "Suspended"),
        ("FailureTarget", "FailureTarget"),
        ("SuccessCriteriaMet", "SuccessCriteriaMet"),
    ):
        if condition in conditions:
            return text
    return "Running"


def _cron_job(obj: Object, now: datetime) -> list[Any]:
    spec, status = spec_of(obj), status_of(obj)
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    last = status.get("lastScheduleTime")
    return [
        name_of(obj),
        spec.get("schedule", ""),
        spec.get("timeZone") or NONE,
        "True" if spec.get("suspend") else "False",
        len(status.get("active") or ()),
        age(last, now) if last else NONE,
        age_of(obj, now),
        *container_texts((job.get("template") or {}).get("spec") or {}),
        selector_text(job.get("selector")),
    ]


def _pod_template(obj: Object, now: datetime) -> list[Any]:
    template = obj.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels")
    return [name_of(obj), *container_texts(template.get("spec") or {}), labels_text(labels)]


def _revision(obj: Object, now: datetime) -> list[Any]:
    owners = [found for found in obj["metadata"].get("ownerReferences") or () if found.get("controller")]
    owner: Object = owners[0] if owners else {}
    group = owner.get("apiVersion", "").rpartition("/")[0]
    kind = owner.get("kind", "").lower()
    text = f"{kind}.{group}/{owner['name']}" if group else f"{kind}/{owner.get('name', '')}"
    return [name_of(obj), text if owner else NONE, obj.get("revision", 0), age_of(obj, now)]


def _scale(obj: Object, now: datetime) -> list[Any]:
    return [
        name_of(obj),
        spec_of(obj).get("replicas", 0),
        status_of(obj).get("replicas", 0),
        age_of(obj, now),
    ]


_REPLICAS = columns(
    "Name, Desired:integer, Current:integer, Ready:integer, Age, Containers+, Images+, Selector+"
)

PRINTERS: Mapping[str, Printer] = {
    "core.v1.Pod": (
        columns("Name, Ready, Status, Restarts, Age, IP+, Node+, Nominated Node+, Readiness Gates+"),
        _pod,
    ),
    "core.v1.PodTemplate": (columns("Name, Containers, Images, Pod Labels"), _pod_template),
    "core.v1.ReplicationController": (_REPLICAS, _replica_set),
    "apps.v1.ReplicaSet": (_REPLICAS, _replica_set),
    "apps.v1.Deployment": (
        columns("Name, Ready, Up-to-date, Available, Age, Containers+, Images+, Selector+"),
        _deployment,
    ),
    "apps.v1.StatefulSet": (columns("Name, Ready, Age, Containers+, Images+"), _stateful_set),
    "apps.v1.DaemonSet": (
        columns(
            "Name, Desired:integer, Current:integer, Ready:integer, Up-to-date:integer, Available:integer, "
            "Node Selector, Age, Containers+, Images+, Selector+"
        ),
        _daemon_set,
    ),
    "apps.v1.ControllerRevision": (columns("Name, Controller, Revision, Age"), _revision),
    "batch.v1.Job": (
        columns("Name, Status, Completions, Duration, Age, Containers+, Images+, Selector+"),
        _job,
    ),
    "batch.v1.CronJob": (
        columns(
            "Name, Schedule, TimeZone, Suspend, Active:integer, Last Schedule, Age, Containers+, Images+, Selector+"
        ),
        _cron_job,
    ),
    "autoscaling.v1.Scale": (columns("Name, Desired:integer, Available:integer, Age"), _scale),
}
