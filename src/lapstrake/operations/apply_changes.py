"""A set of changes carried out: in order, some at a time, each waited for. What happens is told line by line.

Source: output of kapp as recorded. The count in ``applying`` is of changes begun, that in ``waiting`` of changes done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lapstrake.errors import ClusterError, LapstrakeError, NotFoundError, TimedOutError
from lapstrake.kapp import changes as plan
from lapstrake.kapp import report, waits
from lapstrake.kapp.changes import Change, DiffRules
from lapstrake.kapp.labels import ASSOCIATION_LABEL, association
from lapstrake.kapp.order import Dependencies
from lapstrake.kapp.waits import Progress
from lapstrake.kube.resource import Resource
from lapstrake.kube.types import ResourceType
from lapstrake.operations.app_resources import in_parallel
from lapstrake.operations.apply_change import ApplyChange, Retryable
from lapstrake.operations.kapp_run import (
    PODS,
    ApplyOptions,
    Canceled,
    Clock,
    Cluster,
    Hooks,
    Object,
    Sink,
    server_says,
    stamp,
)

_FIRST_PAUSE = 0.1
_REPLICA_SETS = ResourceType("apps", "v1", "ReplicaSet", "replicasets", True)
_GENERATES = {
    ("apps", "Deployment"): (_REPLICA_SETS, PODS),
    ("apps", "DaemonSet"): (PODS,),
    ("apps", "StatefulSet"): (PODS,),
    ("apps", "ReplicaSet"): (PODS,),
    ("batch", "Job"): (PODS,),
}


class WaitError(LapstrakeError):
    """A change that came to a bad end."""


@dataclass(slots=True)
class _Waiting:
    """A change that was applied. ``current``: its object as last seen, if it need not be asked for."""

    index: int
    change: Change
    current: Object | None
    since: int
    shown: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Answer:
    progress: Progress
    lines: list[str]
    error: str = ""


class ApplyChanges:
    """One run over ``changes``; ``progress`` judges a resource."""

    def __init__(
        self,
        cluster: Cluster,
        changes: Sequence[Change],
        dependencies: Dependencies,
        *,
        rules: DiffRules,
        progress: Callable[[Resource], Progress],
        options: ApplyOptions,
        sink: Sink,
        clock: Clock,
        hooks: Hooks,
    ) -> None:
        self._cluster = cluster
        self._changes = changes
        self._dependencies = dependencies
        self._progress = progress
        self._options = options
        self._sink = sink
        self._clock = clock
        self._hooks = hooks
        self._apply = ApplyChange(cluster, rules, clock)
        self._pending = list(range(len(changes)))
        self._waiting: list[_Waiting] = []
        self._open: set[int] = set()  # done, or far enough for those behind them
        self._header = ""
        self._told: set[int] = set()
        self._lock = threading.Lock()

    def run(self) -> None:
        """Raises WaitError, TimedOutError, Canceled, or the error of a change."""
        began = self._clock.now_ns()
        idle_since = began
        while self._pending or self._waiting:
            self._check_cancelled()
            moved = self._apply_ready()
            moved = self._wait_once() or moved
            if moved:
                idle_since = self._clock.now_ns()
            elif self._waiting:
                self._check_time(began)
                self._pause(idle_since)
        total = len(self._changes)
        self._tell(f"---- applying complete [{total}/{total} done] ----")
        self._tell(f"---- waiting complete [{total}/{total} done] ----")

    def _apply_ready(self) -> bool:
        ready = [i for i in self._pending if self._dependencies[i] <= self._open]
        if not ready:
            return False
        total = len(self._changes)
        self._tell(f"---- applying {len(ready)} changes [{total - len(self._pending)}/{total} done] ----")
        self._header = ""
        self._pending = [i for i in self._pending if i not in set(ready)]
        self._carry_out(ready)
        return True

    def _carry_out(self, ready: Sequence[int]) -> None:
        began = self._clock.now_ns()
        told: dict[int, str] = {}
        rest = sorted(ready, key=lambda i: self._changes[i].op != plan.NOOP)
        while rest:
            self._check_cancelled()
            outcomes = in_parallel(self._try_one, rest, self._options.apply_concurrency)
            failures = [error for _, _, error in outcomes if error is not None]
            for index, applied, error in outcomes:
                if error is None:
                    waiting = _Waiting(index, self._changes[index], applied, self._clock.now_ns())
                    self._waiting.append(waiting)
                elif isinstance(error, Retryable) and told.get(index) != str(error):
                    told[index] = str(error)
                    self._tell(f" ^ Retryable error: {_short(error, self._changes[index])}")
            hopeless = [error for error in failures if not isinstance(error, Retryable)]
            if hopeless:
                raise hopeless[0]
            if failures and self._clock.now_ns() - began > self._options.apply_timeout * 1e9:
                limit = report.duration(self._options.apply_timeout)
                raise TimedOutError(f"Timed out waiting after {limit}: Last error: {failures[0]}")
            rest = [index for index, _, error in outcomes if error is not None]
            if rest:
                self._clock.sleep(self._options.apply_check_interval)

    def _try_one(self, index: int) -> tuple[int, Object | None, LapstrakeError | None]:
        change = self._changes[index]
        if index not in self._told:
            self._told.add(index)
            self._tell(f"{change.op} {change}")
        try:
            return index, self._apply(change), None
        except LapstrakeError as err:
            return index, None, err

    def _wait_once(self) -> bool:
        """Look at all that is waited for; true if something is done."""
        if not self._waiting:
            return False
        answers = in_parallel(self._look, self._waiting, self._options.wait_concurrency)
        self._show_header()
        still: list[_Waiting] = []
        problem: LapstrakeError | None = None
        opened = len(self._open)
        for waiting, answer in zip(self._waiting, answers, strict=True):
            self._show(waiting, answer)
            if answer.error:
                problem = problem or WaitError(
                    f"waiting on {waiting.change.wait} {waiting.change}: {answer.error}"
                )
            elif answer.progress.done and not answer.progress.successful:
                problem = problem or WaitError(
                    f"waiting on {waiting.change.wait} {waiting.change}: "
                    f"Finished unsuccessfully ({answer.progress.message})"
                )
            if answer.progress.done or answer.progress.unblocked:
                self._open.add(waiting.index)
            if not answer.progress.done and not answer.error:
                still.append(waiting)
        if problem is not None:
            raise problem
        finished = len(still) < len(self._waiting)
        self._waiting = still
        return finished or len(self._open) > opened

    def _show_header(self) -> None:
        total = len(self._changes)
        done = total - len(self._pending) - len(self._waiting)
        header = f"---- waiting on {len(self._waiting)} changes [{done}/{total} done] ----"
        if header != self._header:
            self._header = header
            self._tell(header)

    def _show(self, waiting: _Waiting, answer: _Answer) -> None:
        if answer.lines != waiting.shown:
            waiting.shown = answer.lines
            for text in answer.lines:
                self._tell(text)

    def _look(self, waiting: _Waiting) -> _Answer:
        change = waiting.change
        try:
            progress, children = self._state(waiting)
        except LapstrakeError as err:
            said = server_says(err) if isinstance(err, ClusterError) else str(err)
            error = f"Errored: Getting resource {change}: {said}"
            return _Answer(waits.ongoing(), [f"error: {change.wait} {change}"], error)
        limit = self._options.wait_resource_timeout
        if not progress.done and limit and self._clock.now_ns() - waiting.since > limit * 1e9:
            text = f"Resource timed out waiting after {report.duration(limit)}"
            return _Answer(
                waits.ongoing(), [f"error: {change.wait} {change}", f" ^ {text}"], f"Errored: {text}"
            )
        return _Answer(progress, [*report.waiting_lines(change, progress), *children])

    def _state(self, waiting: _Waiting) -> tuple[Progress, list[str]]:
        change = waiting.change
        if change.wait == plan.NOOP:
            return waits.READY, []
        if change.wait == plan.DELETE:
            return self._deletion(change), []
        current = Resource(waiting.current) if waiting.current is not None else self._fresh(waiting)
        waiting.current = None
        progress = self._progress(current)
        return progress, [] if progress.done else self._children(current)

    def _fresh(self, waiting: _Waiting) -> Resource:
        resource = waiting.change.resource
        rt = self._apply.type_of(resource)
        return Resource(self._cluster.get(rt, resource.namespace or None, resource.name))

    def _deletion(self, change: Change) -> Progress:
        if change.strategy == "orphan":
            return waits.READY
        resource = change.resource
        try:
            rt = self._apply.type_of(resource)
            found = Resource(self._cluster.get(rt, resource.namespace or None, resource.name))
        except NotFoundError:
            return waits.READY
        if found.uid != resource.uid:
            return waits.READY
        return waits.deletion(found)

    def _children(self, resource: Resource) -> list[str]:
        """Lines about what the cluster generates for a workload."""
        found: list[str] = []
        for rt in _GENERATES.get((resource.group, resource.kind), ()):
            try:
                items = self._cluster.list(
                    rt, resource.namespace, f"{ASSOCIATION_LABEL}={association(resource)}"
                ).items
            except ClusterError:
                continue
            for child in map(Resource, items):
                found += report.child_lines(child, waits.reconciled(child))
        return found

    def _check_cancelled(self) -> None:
        if self._hooks.cancelled():
            raise Canceled("Canceled")

    def _check_time(self, began: int) -> None:
        limit = self._options.wait_timeout
        if self._clock.now_ns() - began > limit * 1e9:
            names = ", ".join(str(waiting.change) for waiting in self._waiting)
            raise TimedOutError(f"Timed out waiting after {report.duration(limit)} for resources: [{names}]")

    def _pause(self, idle_since: int) -> None:
        """Short at first, longer the longer nothing happens: quick things are seen quickly."""
        idle = (self._clock.now_ns() - idle_since) / 1e9
        self._clock.sleep(min(self._options.wait_check_interval, max(_FIRST_PAUSE, idle / 4)))

    def _tell(self, text: str) -> None:
        with self._lock:
            self._sink(report.progress(stamp(self._clock), text))


def _short(error: LapstrakeError, change: Change) -> str:
    return str(error).removeprefix(f"{change.op} {change}: ")
