"""Following an App (or a PackageRepository) while it is reconciled: which steps to tell, and how it ends.

The decisions are pure: snapshots of the object go in, steps come out. Source: recorded output of kctrl.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lapstrake.operations.package_ports import Report, age, condition, observed, seconds_of

Object = Mapping[str, Any]

_NAMES = {"fetch": ("Fetch", "Fetching"), "template": ("Template", ""), "deploy": ("Deploy", "Deploying")}
_NAMES_IN_DELETION = {"deploy": ("Delete", "Deleting")}
PAUSED = "Canceled/paused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reconciliation ended; ``failure`` is empty if it succeeded."""

    failure: str = ""


@dataclass(slots=True)
class _Told:
    """What has been told of one section of the status."""

    started: str = ""
    output: str = ""
    finished: bool = False


@dataclass(slots=True)
class AppProgress:
    """Tells each step once. ``former`` is the object as it was before: steps of that time are not told.

    ``noun`` names the thing in the failure ("app", "repository").
    """

    report: Report
    now: Callable[[], float]
    noun: str = "app"
    former: Object | None = None
    _told: dict[str, _Told] = field(default_factory=dict)
    _waited_for: int = 0

    def advance(self, obj: Object) -> Outcome | None:
        """Tell what is new in this snapshot; gives the outcome once there is one."""
        status = obj.get("status") or {}
        if not observed(obj):
            self._wait_for_generation(obj, status)
            return None
        deleting = bool(obj["metadata"].get("deletionTimestamp"))
        names = _NAMES_IN_DELETION if deleting else _NAMES
        before = ((self.former or {}).get("status") or {}) if self.former else {}
        failed = ""
        for section, (noun, doing) in names.items():
            state = status.get(section)
            if not state or state == before.get(section):
                continue
            if self._tell(section, state, noun, doing):
                failed = f"{noun} failed"
                break  # what follows in the status is of an earlier run
        return self._outcome(obj, failed)

    def _wait_for_generation(self, obj: Object, status: Object) -> None:
        generation = obj["metadata"].get("generation", 0)
        if status.get("observedGeneration") and generation != self._waited_for:
            self._waited_for = generation
            self._step(f"Waiting for generation {generation} to be observed", None)
            self._told.clear()
            self.former = obj if self.former is None else self.former

    def _tell(self, section: str, state: Object, noun: str, doing: str) -> bool:
        """Tell one section; true if it has failed."""
        told = self._told.setdefault(section, _Told())
        # templating says only when it ended
        started = str(state.get("startedAt") or state.get("updatedAt") or "")
        if started != told.started:
            told.started, told.output, told.finished = started, "", False
            if doing:
                self._step(f"{noun} started", seconds_of(started))
        updated = seconds_of(state.get("updatedAt"))
        finished = _is_finished(section, state)
        failed = finished and bool(state.get("exitCode") or state.get("error"))
        if doing and not failed:
            self._tell_output(told, str(state.get("stdout") or ""), doing, updated)
        if finished and not told.finished:
            told.finished = True
            self._step(f"{noun} {'failed' if failed else 'succeeded'}", updated)
            if failed:
                self.report.section(_failure_text(state))
        return failed

    def _tell_output(self, told: _Told, output: str, doing: str, updated: float | None) -> None:
        if output == told.output:
            return
        if told.output and output.startswith(told.output):
            self.report.section(output[len(told.output) :].removeprefix("\n"))
        else:
            self._step(doing, updated)
            self.report.section(output)
        told.output = output

    def _step(self, text: str, at: float | None) -> None:
        """The text and how long ago it was, if that is a second or more; there is a blank between them always."""
        since = self.now() - at if at is not None else 0.0
        self.report.step(f"{text} ({age(since)} ago)" if since >= 1 else f"{text} ", at)

    def _outcome(self, obj: Object, failed: str) -> Outcome | None:
        found = condition(obj)
        if found == "ReconcileSucceeded":
            return Outcome()
        if found in ("ReconcileFailed", "DeleteFailed"):
            status = obj.get("status") or {}
            return Outcome(f"Reconciling {self.noun}: {failed or status.get('usefulErrorMessage', '')}")
        if failed and found == "Reconciling":
            return Outcome(f"Reconciling {self.noun}: {failed}")
        return None


def _is_finished(section: str, state: Object) -> bool:
    if section == "deploy":
        return bool(state.get("finished"))
    return bool(state.get("updatedAt")) and ("exitCode" in state or "error" in state)


def _failure_text(state: Object) -> str:
    texts = [str(state.get("stderr") or ""), str(state.get("error") or "")]
    return "\n".join(text for text in texts if text)


def indented(text: str) -> str:
    """Output of a step as it is shown: each line behind a bar."""
    return "".join(f"\t    | {line}\n" for line in text.split("\n"))
