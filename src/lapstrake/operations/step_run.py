"""Fetch, template, deploy: the run that Apps and PackageRepositories share, and their deletion.

The steps themselves are given; here is their order and what the status says meanwhile. A run for a new
generation writes the status after every step. One that only repeats (a period passed, a failure is tried
again) is silent until kapp has been running for a while, and otherwise writes once, at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lapstrake.errors import LapstrakeError
from lapstrake.operations.reconciled import Reconciled
from lapstrake.packaging import app_status
from lapstrake.packaging.app_status import StepResult

Object = Mapping[str, Any]
Publish = Callable[[str], None]
Cancelled = Callable[[], bool]

# Observed: a fetch of an image that failed is looked at three more times, two seconds apart, and repeated
# only if a Secret it refers to has changed in between.
_FETCH_LOOKS = 3
_FETCH_PAUSE = 2.0
# How often the output of a running kapp goes into the status (seconds).
PUBLISH_INTERVAL = 2.0


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""

    def sleep(self, seconds: float) -> None:
        """May return early when everything is to stop."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """``record``: what kapp keeps about its application, as associatedResources; None if unknown."""

    result: StepResult
    record: Mapping[str, Any] | None = None


class Workspace(Protocol):
    """One run's place for files; ``close`` removes them."""

    def fetch(self) -> StepResult: ...

    def template(self) -> StepResult:
        """Works on what was fetched; the output stays inside."""

    def deploy(self, publish: Publish, cancelled: Cancelled) -> Deployed: ...
    def inspect(self) -> StepResult | None: ...
    def close(self) -> None: ...


class Steps(Protocol):
    def open(self, obj: Object) -> Workspace: ...

    def secret_versions(self, obj: Object) -> Mapping[str, str] | None:
        """Versions of the Secrets that an image fetch uses; None if nothing that is fetched is an image."""

    def delete(self, obj: Object, publish: Publish, cancelled: Cancelled) -> StepResult: ...

    def leaves_deletion_to_namespaces(self, obj: Object) -> bool:
        """Whether all that was deployed goes with namespaces that are being terminated."""


def run(target: Reconciled, steps: Steps, clock: Clock, *, finalizer: str, cancelled: Cancelled) -> None:
    """One reconciliation of ``target``, to its end: success or failure is in its status.

    A defect of ours is shown there, too, and raised again.
    """
    talkative = target.new_generation
    target.status = app_status.reconciling(target.status, target.generation)
    if talkative:
        target.write()
    place = steps.open(target.obj)
    try:
        result = _run_steps(target, steps, place, clock, finalizer, cancelled, talkative)
    except LapstrakeError:
        raise
    except Exception as error:
        message = f"Internal error: {type(error).__name__}: {error}"
        target.status = app_status.failed(target.status, StepResult.refused(message))
        target.write()
        raise
    finally:
        place.close()
    if result.error:
        target.status = app_status.failed(target.status, result)
    else:
        target.status = app_status.succeeded(target.status)
    target.write()


def _run_steps(
    target: Reconciled,
    steps: Steps,
    place: Workspace,
    clock: Clock,
    finalizer: str,
    cancelled: Cancelled,
    talkative: bool,
) -> StepResult:
    started = clock.now()
    result = _fetched(target.obj, steps, place, clock, cancelled)
    target.status = app_status.fetched(target.status, result, started=started, ended=clock.now())
    if talkative:
        target.write()
    if result.error:
        return result

    result = place.template()
    target.status = app_status.templated(target.status, result, ended=clock.now())
    if talkative:
        target.write()
    if result.error:
        return result

    target.add_finalizer(finalizer)
    started = clock.now()
    progress = _Progress(target, clock, started)
    deployed = place.deploy(progress.publish, cancelled)
    target.status = app_status.deployed(
        target.status, deployed.result, started=started, ended=clock.now(), record=deployed.record
    )
    if talkative or progress.published:
        target.write()
    inspection = place.inspect()
    if inspection is not None:
        target.status = app_status.inspected(target.status, inspection, ended=clock.now())
    return deployed.result


def _fetched(obj: Object, steps: Steps, place: Workspace, clock: Clock, cancelled: Cancelled) -> StepResult:
    result = place.fetch()
    seen = steps.secret_versions(obj) if result.exit_code > 0 else None
    if seen is None:
        return result
    for _ in range(_FETCH_LOOKS):
        clock.sleep(_FETCH_PAUSE)
        if cancelled():
            break
        present = steps.secret_versions(obj)
        if present != seen:
            seen, result = present, place.fetch()
            if result.exit_code == 0:
                break
    return result


def pause(target: Reconciled) -> None:
    """Paused or canceled: only the generation is acknowledged."""
    target.status = app_status.paused(target.status, target.generation)
    target.write()


def delete(target: Reconciled, steps: Steps, clock: Clock, *, finalizer: str, cancelled: Cancelled) -> None:
    """Remove what ``target`` deployed, then let it go; a failure is in its status."""
    if finalizer not in (target.obj["metadata"].get("finalizers") or ()):
        return
    target.status = app_status.deleting(target.status, target.generation)
    if target.new_generation:
        target.write()
    if not target.spec.get("noopDelete") and not steps.leaves_deletion_to_namespaces(target.obj):
        started = clock.now()
        progress = _Progress(target, clock, started)
        result = steps.delete(target.obj, progress.publish, cancelled)
        if result.error:
            before = target.status.get("deploy") or {}
            section = {**before, "startedAt": app_status.written_time(started)}
            section["updatedAt"] = app_status.written_time(clock.now())
            target.status = app_status.delete_failed({**target.status, "deploy": section}, result)
            target.write()
            return
    target.remove_finalizer(finalizer)


class _Progress:
    """Puts the output of a running kapp into the status, but not too often."""

    def __init__(self, target: Reconciled, clock: Clock, started: float) -> None:
        self._target = target
        self._clock = clock
        self._started = started
        self._next = started + PUBLISH_INTERVAL
        self.published = False

    def publish(self, stdout: str) -> None:
        """``stdout``: everything that kapp printed so far."""
        now = self._clock.now()
        if now < self._next:
            return
        self._next = now + PUBLISH_INTERVAL
        self.published = True
        self._target.status = app_status.deploy_running(
            self._target.status, stdout, started=self._started, now=now
        )
        self._target.write()
