"""Jobs: Pods until enough of them have succeeded, or too many have failed."""

from __future__ import annotations

from collections.abc import Sequence

from lapstrake.apiserver.workloads.actions import (
    Action,
    Create,
    Delete,
    Object,
    Update,
    condition,
    counts,
    is_finished,
    is_going,
    is_ready,
    owned_by,
    phase,
    pod_from,
    status_change,
    with_metadata,
)

TRACKING = "batch.kubernetes.io/job-tracking"
_REACHED = "Reached expected number of succeeded pods"
_EXCEEDED = "Job has reached the specified backoff limit"


def decide(job: Object, pods: Sequence[Object], now: str) -> list[Action]:
    """``pods``: all Pods of the namespace. ``now``: RFC 3339."""
    mine = owned_by(job, pods)
    if is_going(job) or _is_over(job):
        return [_released(pod) for pod in mine if _is_tracked(pod)]
    active = [pod for pod in mine if not is_finished(pod) and not is_going(pod)]
    status = job.get("status") or {}
    # A Pod is counted once, when it is let go; afterwards it may vanish without being forgotten.
    ended = [pod for pod in mine if is_finished(pod) and _is_tracked(pod)]
    succeeded = status.get("succeeded", 0) + sum(1 for pod in ended if phase(pod) == "Succeeded")
    failed = status.get("failed", 0) + sum(1 for pod in ended if phase(pod) == "Failed")
    going = [pod for pod in mine if is_going(pod) and _is_tracked(pod) and not is_finished(pod)]
    actions: list[Action] = [_released(pod) for pod in (*ended, *going)]
    completions = int(job["spec"].get("completions") or 1)
    complete = succeeded >= completions
    broken = failed > int(job["spec"].get("backoffLimit", 6))
    if complete or broken or job["spec"].get("suspend"):
        actions += [Delete(pod) for pod in active]
        active = []
    else:
        room = min(int(job["spec"].get("parallelism", 1)), completions - succeeded) - len(active)
        actions += [Create(pod_from(job, finalizers=[TRACKING])) for _ in range(max(room, 0))]
        active = [*active, *({} for _ in range(max(room, 0)))]
    new = _status(job, active, succeeded, failed, now)
    if job["spec"].get("suspend") or _was_suspended(job):
        new = _suspended(job, new, now)
    if complete:
        new = {
            **new,
            "completionTime": now,
            "conditions": _ends(job, "SuccessCriteriaMet", "Complete", "CompletionsReached", _REACHED, now),
        }
    elif broken:
        new["conditions"] = _ends(job, "FailureTarget", "Failed", "BackoffLimitExceeded", _EXCEEDED, now)
    return actions + status_change(job, new)


def decide_pod(pod: Object, job: Object | None) -> list[Action]:
    """Let a Pod go whose Job (None: it is gone) will not count it any more."""
    if is_going(pod) and _is_tracked(pod) and (job is None or is_going(job)):
        return [_released(pod)]
    return []


def _is_over(job: Object) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(c.get("type") in ("Complete", "Failed") and c.get("status") == "True" for c in conditions)


def _is_tracked(pod: Object) -> bool:
    return TRACKING in (pod["metadata"].get("finalizers") or ())


def _released(pod: Object) -> Action:
    finalizers = [name for name in pod["metadata"]["finalizers"] if name != TRACKING]
    return Update(with_metadata(pod, finalizers=finalizers or None))


def _status(job: Object, active: Sequence[Object], succeeded: int, failed: int, now: str) -> Object:
    before = job.get("status") or {}
    return {
        "startTime": before.get("startTime", now),
        **counts(active=len(active), succeeded=succeeded, failed=failed),
        "ready": sum(1 for pod in active if pod and is_ready(pod)),
        "terminating": 0,
        "uncountedTerminatedPods": {},
    }


def _was_suspended(job: Object) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(found.get("type") == "Suspended" for found in conditions)


def _suspended(job: Object, status: Object, now: str) -> Object:
    """The status of a Job that rests, or that rested and was resumed: the clock of a resumed one begins anew."""
    before = job.get("status") or {}
    rests = bool(job["spec"].get("suspend"))
    reason, message = ("JobSuspended", "Job suspended") if rests else ("JobResumed", "Job resumed")
    found = condition(before.get("conditions") or [], "Suspended", rests, reason, message, now)
    new = {**status, "conditions": [{**found, "lastProbeTime": found["lastTransitionTime"]}]}
    if rests:
        del new["startTime"]
    return new


def _ends(job: Object, first: str, last: str, reason: str, message: str, now: str) -> list[Object]:
    before = (job.get("status") or {}).get("conditions") or []
    conditions = [condition(before, kind, True, reason, message, now) for kind in (first, last)]
    return [{**found, "lastProbeTime": now} for found in conditions]
