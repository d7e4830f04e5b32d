"""Apps and PackageRepositories: objects that run their steps when they are due.

Both are looked at in the same way: read the present object, ask the schedule, run it if it is due, and come
back when it says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from lapstrake.controller.runtime import Key, Workers, key_of
from lapstrake.errors import NotFoundError
from lapstrake.kube.types import ResourceType
from lapstrake.operations.step_run import Cancelled, Clock
from lapstrake.packaging import app_status, schedule
from lapstrake.packaging.awaited import Awaited, awaited

Object = Mapping[str, Any]


class Reader(Protocol):
    def get(self, rt: ResourceType, namespace: str | None, name: str) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class PeriodicKind:
    """``run(object, cancelled, clock)`` reconciles and gives the object as last written.

    The clock is that of the run: its sleep ends when the object has changed.
    """

    name: str
    rt: ResourceType
    default_period: float
    run: Callable[[Object, Cancelled, Clock], Object]


@dataclass(frozen=True, slots=True)
class _Run:
    """``woken``: whatever it waits for, something new is to be done. ``deletes``: a deletion is never cut off."""

    clock: Clock
    deletes: bool
    cancelled: threading.Event = field(default_factory=threading.Event)
    woken: threading.Event = field(default_factory=threading.Event)

    def now(self) -> float:
        return self.clock.now()

    def sleep(self, seconds: float) -> None:
        self.woken.wait(seconds)

    def end(self) -> None:
        self.cancelled.set()
        self.woken.set()


class Periodic:
    """The controller of one such kind."""

    def __init__(
        self, kind: PeriodicKind, cluster: Reader, clock: Clock, random: Random, *, workers: int
    ) -> None:
        self._kind = kind
        self._cluster = cluster
        self._clock = clock
        self._random = random
        self._lock = threading.Lock()
        self._forced: set[Key] = set()
        self._running: dict[Key, _Run] = {}
        self._missed: dict[Key, frozenset[Awaited]] = {}
        self._arrivals: dict[Awaited, float] = {}
        self._stopping = threading.Event()
        self.workers = Workers(kind.name, self.reconcile, limit=workers)

    def changed(self, old: Object | None, new: Object | None) -> None:
        """An object of the kind came, changed or went. Status writes, our own above all, do not count."""
        if new is None:
            return
        if old is not None and _wish(old) == _wish(new):
            return
        key = key_of(new)
        with self._lock:
            running = self._running.get(key)
        if running is not None:
            running.woken.set()
            unwanted = new["spec"].get("canceled") or new["metadata"].get("deletionTimestamp")
            if unwanted and not running.deletes:
                running.end()
        self.workers.add(key)

    def force(self, key: Key) -> None:
        """Something ``key`` depends on has changed: run it although it is not due."""
        with self._lock:
            self._forced.add(key)
        self.workers.add(key)

    def arrived(self, thing: Awaited) -> None:
        """Run at once what failed for the lack of ``thing``."""
        with self._lock:
            self._arrivals[thing] = time.monotonic()
            waiting = [key for key, missed in self._missed.items() if thing in missed]
        for key in waiting:
            self.force(key)

    def stop(self) -> None:
        self._stopping.set()
        self.workers.stop()
        with self._lock:
            for run in self._running.values():
                run.end()

    def reconcile(self, key: Key) -> float | None:
        """Seconds until the next look; None if only a change can bring it back."""
        try:
            obj: Object = self._cluster.get(self._kind.rt, *key)
        except NotFoundError:
            self._forget(key)
            return None
        with self._lock:
            forced = key in self._forced
            self._forced.discard(key)
        wait = self._wait(obj)
        if wait is None:
            if not _pause_is_shown(obj):
                self._run(key, obj)
            return None
        if wait > 0 and not forced:
            return wait
        began = time.monotonic()
        after = self._run(key, obj)
        if after is None:
            return None
        if self._arrived_since(key, began):
            with self._lock:
                self._forced.add(key)
            return 0.0
        return self._wait(after)

    def _wait(self, obj: Object) -> float | None:
        return schedule.seconds_until_due(
            obj,
            self._clock.now(),
            default_period=self._kind.default_period,
            random=self._random.random(),
        )

    def _run(self, key: Key, obj: Object) -> Object | None:
        run = _Run(self._clock, deletes=bool(obj["metadata"].get("deletionTimestamp")))
        with self._lock:
            self._running[key] = run
        try:
            after = self._kind.run(obj, lambda: run.cancelled.is_set() or self._stopping.is_set(), run)
        except NotFoundError:
            self._forget(key)
            return None
        finally:
            with self._lock:
                self._running.pop(key, None)
        self._note_missing(key, after)
        return after

    def _note_missing(self, key: Key, after: Object) -> None:
        status = after.get("status") or {}
        failed = app_status.condition(status)[0] == app_status.RECONCILE_FAILED
        missed = awaited(status.get("usefulErrorMessage") or "") if failed else frozenset()
        with self._lock:
            if missed:
                self._missed[key] = missed
            else:
                self._missed.pop(key, None)

    def _arrived_since(self, key: Key, began: float) -> bool:
        """Whether what was missing turned up while the run was going on."""
        with self._lock:
            return any(self._arrivals.get(thing, 0.0) >= began for thing in self._missed.get(key, ()))

    def _forget(self, key: Key) -> None:
        with self._lock:
            self._forced.discard(key)
            self._missed.pop(key, None)


def _wish(obj: Object) -> tuple[Any, Any, Any]:
    metadata = obj["metadata"]
    return metadata.get("uid"), metadata.get("generation"), metadata.get("deletionTimestamp")


def _pause_is_shown(obj: Object) -> bool:
    status = obj.get("status") or {}
    return status.get("friendlyDescription") == "Canceled/paused" and status.get("observedGeneration") == obj[
        "metadata"
    ].get("generation")
