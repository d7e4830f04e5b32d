"""Statuses of Apps and PackageRepositories: every change as a function from status to status.

Both kinds share them. ``conditions`` always holds exactly one entry, with status "True" and no reason;
sections of steps that did not run keep what they had. Nothing here mutates its argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Status = Mapping[str, Any]

RECONCILING = "Reconciling"
RECONCILE_SUCCEEDED = "ReconcileSucceeded"
RECONCILE_FAILED = "ReconcileFailed"
DELETING = "Deleting"
DELETE_FAILED = "DeleteFailed"

DETAILS = "Error (see .status.usefulErrorMessage for details)"

_TOOL_STEPS = {
    "fetch": "Fetching resources",
    "template": "Templating dir",
    "deploy": "Deploying",
    "delete": "Deleting",
    "inspect": "Inspecting",
}


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step ended.

    ``error`` is empty for success. A tool that refused has ``exit_code`` 1 and its text in ``stderr``; when
    the controller itself could not go on, ``exit_code`` is -1 and ``error`` says why.
    """

    exit_code: int = 0
    stdout: str = ""
    stderr: str = ""
    error: str = ""

    @property
    def useful_message(self) -> str:
        return self.stderr if self.exit_code > 0 else self.error

    @classmethod
    def tool_failed(cls, step: str, stderr: str, *, stdout: str = "", exit_code: int = 1) -> StepResult:
        """``step``: fetch, template, deploy, delete or inspect."""
        return cls(exit_code, stdout, stderr, f"{_TOOL_STEPS[step]}: {DETAILS}")

    @classmethod
    def refused(cls, message: str) -> StepResult:
        """The controller's own failure."""
        return cls(exit_code=-1, error=message)


def written_time(moment: float) -> str:
    """Seconds since the epoch as Kubernetes writes times: whole seconds, UTC."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(text: str) -> float:
    """The other way."""
    return datetime.fromisoformat(text).timestamp()


def normalized_lines(text: str) -> str:
    """kapp's output as statuses hold it: no empty lines, no blanks at the ends of lines."""
    lines = (line.rstrip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def condition(status: Status) -> tuple[str, str]:
    """Type and message of the one condition; two empty texts before the first run."""
    conditions = status.get("conditions") or ()
    if not conditions:
        return "", ""
    return str(conditions[0].get("type", "")), str(conditions[0].get("message", ""))


def reconciling(status: Status, generation: int) -> dict[str, Any]:
    return {
        **status,
        "conditions": [{"status": "True", "type": RECONCILING}],
        "friendlyDescription": RECONCILING,
        "observedGeneration": generation,
    }


def deleting(status: Status, generation: int) -> dict[str, Any]:
    return {
        **status,
        "conditions": [{"status": "True", "type": DELETING}],
        "friendlyDescription": DELETING,
        "observedGeneration": generation,
    }


def paused(status: Status, generation: int) -> dict[str, Any]:
    """Paused or canceled: the condition stays as it was."""
    return {**status, "friendlyDescription": "Canceled/paused", "observedGeneration": generation}


def succeeded(status: Status) -> dict[str, Any]:
    after = {
        **status,
        "conditions": [{"status": "True", "type": RECONCILE_SUCCEEDED}],
        "friendlyDescription": "Reconcile succeeded",
        "consecutiveReconcileSuccesses": int(status.get("consecutiveReconcileSuccesses") or 0) + 1,
    }
    after.pop("consecutiveReconcileFailures", None)
    after.pop("usefulErrorMessage", None)
    return after


def failed(status: Status, result: StepResult) -> dict[str, Any]:
    return _failed(status, result, RECONCILE_FAILED, "Reconcile failed")


def delete_failed(status: Status, result: StepResult) -> dict[str, Any]:
    return _failed(status, result, DELETE_FAILED, "Delete failed")


def _failed(status: Status, result: StepResult, kind: str, title: str) -> dict[str, Any]:
    after = {
        **status,
        "conditions": [{"message": result.error, "status": "True", "type": kind}],
        "friendlyDescription": f"{title}: {result.error}",
        "usefulErrorMessage": result.useful_message,
        "consecutiveReconcileFailures": int(status.get("consecutiveReconcileFailures") or 0) + 1,
    }
    after.pop("consecutiveReconcileSuccesses", None)
    return after


def fetched(status: Status, result: StepResult, *, started: float, ended: float) -> dict[str, Any]:
    return {
        **status,
        "fetch": {
            **_section(result, ended),
            "startedAt": written_time(started),
            **_texts(result, "stdout"),
        },
    }


def templated(status: Status, result: StepResult, *, ended: float) -> dict[str, Any]:
    """The output of templates is never kept, only what the last step said on stderr."""
    return {**status, "template": _section(result, ended)}


def inspected(status: Status, result: StepResult, *, ended: float) -> dict[str, Any]:
    return {**status, "inspect": {**_section(result, ended), **_texts(result, "stdout")}}


def deploy_running(status: Status, stdout: str, *, started: float, now: float) -> dict[str, Any]:
    """While kapp runs; what is known of its record stays."""
    section = {
        "exitCode": 0,
        "finished": False,
        "startedAt": written_time(started),
        "updatedAt": written_time(now),
    }
    if stdout:
        section["stdout"] = normalized_lines(stdout)
    return {**status, "deploy": {**section, **_kept_record(status)}}


def deployed(
    status: Status,
    result: StepResult,
    *,
    started: float,
    ended: float,
    record: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """``record``: kapp's associatedResources {label, namespaces, groupKinds}, if its record is known."""
    section = {
        **_section(result, ended),
        "finished": True,
        "startedAt": written_time(started),
        **_texts(result, "stdout"),
    }
    if record is not None:
        section["kapp"] = {"associatedResources": dict(record)}
    elif result.exit_code >= 0:
        section.update(_kept_record(status))
    return {**status, "deploy": section}


def _kept_record(status: Status) -> dict[str, Any]:
    former = status.get("deploy") or {}
    return {"kapp": former["kapp"]} if "kapp" in former else {}


def _section(result: StepResult, ended: float) -> dict[str, Any]:
    return {
        **({"error": result.error} if result.error else {}),
        "exitCode": result.exit_code,
        **_texts(result, "stderr"),
        "updatedAt": written_time(ended),
    }


def _texts(result: StepResult, field: str) -> dict[str, str]:
    text = getattr(result, field)
    return {field: text} if text else {}


def status_patch(before: Status, after: Status) -> dict[str, Any] | None:
    """The merge patch of the status that leads from one to the other; None if there is nothing to write."""
    changes = _merge_patch(before, after)
    return {"status": changes} if changes else None


def _merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        former = before.get(key)
        if isinstance(value, Mapping) and isinstance(former, Mapping):
            nested = _merge_patch(former, value)
            if nested:
                changes[key] = nested
        elif key not in before or former != value:
            changes[key] = value
    return changes
