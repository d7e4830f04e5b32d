"""What every controller stands on: watched kinds, a queue of keys, workers.

A key is (namespace, name). Events only say which keys to look at; what to do follows from the present
objects. The queue holds each key once, due at the earliest time anybody asked for; a key that comes back
while it is being worked on is taken again afterwards, never twice at once.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from lapstrake.errors import ClusterError, LapstrakeError, NotFoundError
from lapstrake.kube.types import ResourceType

Key = tuple[str, str]
Object = Mapping[str, Any]
Change = Callable[[Object | None, Object | None], None]

log = logging.getLogger("lapstrake.controller")

# Pauses after something went wrong: doubled each time, up to the second number (seconds).
_RELIST_PAUSES = (0.2, 10.0)
_RETRY_PAUSES = (0.1, 60.0)
_EXPIRED = 410


class Event(Protocol):
    @property
    def type(self) -> str: ...
    @property
    def object(self) -> Mapping[str, Any]: ...


class Listing(Protocol):
    @property
    def items(self) -> list[dict[str, Any]]: ...
    @property
    def resource_version(self) -> str: ...


class Source(Protocol):
    """The part of a cluster client that watching needs."""

    def resource_type(self, api_version: str, kind: str) -> ResourceType: ...
    def list(self, rt: ResourceType) -> Listing: ...
    def watch(self, rt: ResourceType, *, resource_version: str = "") -> Iterator[Event]: ...


def key_of(obj: Object) -> Key:
    metadata = obj["metadata"]
    return (metadata.get("namespace", ""), metadata["name"])


class WorkQueue:
    """Keys that are due now or later, each once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, Key]] = []
        self._taken: set[Key] = set()
        self._stopped = False

    def add(self, key: Key, delay: float = 0.0) -> None:
        """Ask for ``key`` in ``delay`` seconds, or earlier if somebody asked for that."""
        due = self._clock() + delay
        with self._changed:
            if self._stopped or (key in self._due and self._due[key] <= due):
                return
            self._due[key] = due
            if key not in self._taken:
                heapq.heappush(self._heap, (due, key))
                self._changed.notify()

    def take(self) -> Key | None:
        """Wait for a due key; None when stopped. Give it back with :meth:`done`."""
        with self._changed:
            while not self._stopped:
                while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
                    heapq.heappop(self._heap)  # asked for anew in the meantime, or taken
                if not self._heap:
                    self._changed.wait()
                    continue
                due, key = self._heap[0]
                left = due - self._clock()
                if left > 0:
                    self._changed.wait(left)
                    continue
                heapq.heappop(self._heap)
                del self._due[key]
                self._taken.add(key)
                return key
            return None

    def done(self, key: Key) -> None:
        with self._changed:
            self._taken.discard(key)
            if key in self._due and not self._stopped:
                heapq.heappush(self._heap, (self._due[key], key))
                self._changed.notify()

    def ready(self) -> int:
        """How many keys are due and wait for a worker."""
        now = self._clock()
        with self._changed:
            return sum(due <= now and key not in self._taken for key, due in self._due.items())

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


class Workers:
    """Threads that take keys and reconcile them; they are started as they are needed.

    ``reconcile(key)`` returns the seconds until ``key`` is to be looked at again, None for never. What it
    raises is logged and tried again, ever later.
    """

    def __init__(
        self,
        name: str,
        reconcile: Callable[[Key], float | None],
        *,
        limit: int,
        queue: WorkQueue | None = None,
    ) -> None:
        self._name = name
        self._reconcile = reconcile
        self._limit = limit
        self._queue = queue or WorkQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._failures: dict[Key, int] = {}

    def start(self) -> None:
        with self._lock:
            self._start_one()

    def add(self, key: Key, delay: float = 0.0) -> None:
        self._queue.add(key, delay)

    def stop(self) -> None:
        self._queue.stop()

    def join(self, deadline: float) -> None:
        """Wait for the workers until the monotonic time ``deadline``."""
        for thread in list(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _start_one(self) -> None:
        thread = threading.Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
        self._idle += 1
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (key := self._queue.take()) is not None:
            with self._lock:
                # One idle worker always stands by: whoever takes a key as the last one calls the next.
                self._idle -= 1
                if self._idle == 0 and len(self._threads) < self._limit:
                    self._start_one()
            try:
                again = self._attempt(key)
            finally:
                self._queue.done(key)
                with self._lock:
                    self._idle += 1
            if again is not None:
                self._queue.add(key, again)

    def _attempt(self, key: Key) -> float | None:
        try:
            again = self._reconcile(key)
        except Exception as error:
            failures = self._failures.get(key, 0)
            self._failures[key] = failures + 1
            pause = min(_RETRY_PAUSES[0] * 2.0**failures, _RETRY_PAUSES[1])
            if isinstance(error, LapstrakeError):
                log.warning("%s %s/%s: %s", self._name, *key, error)
            else:
                log.exception("%s %s/%s", self._name, *key)
            return pause
        self._failures.pop(key, None)
        return again


class Informer:
    """All objects of one kind, kept up to date by list and watch.

    ``on_change(old, new)`` is called for each difference, from the informer's own thread; old is None for a
    new object, new for one that went. ``keep`` reduces what is remembered of an object.
    """

    def __init__(
        self,
        cluster: Source,
        api_version: str,
        kind: str,
        on_change: Change,
        *,
        keep: Callable[[Object], Object] = lambda obj: obj,
    ) -> None:
        self._cluster = cluster
        self._type = (api_version, kind)
        self._on_change = on_change
        self._keep = keep
        self._objects: dict[Key, Object] = {}
        self._stop = threading.Event()
        self._listed = threading.Event()
        self._watch: Iterator[Event] | None = None
        self._thread = threading.Thread(target=self._run, name=f"watch-{kind}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        close = getattr(self._watch, "close", None)
        if close is not None:
            try:
                close()
            except (ValueError, RuntimeError):
                pass  # a generator that is just running; it ends with its connection
        self._listed.set()

    def join(self, deadline: float) -> None:
        self._thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def complete(self) -> bool:
        """Whether the first list is through: changes from now on are real ones."""
        return self._listed.is_set()

    def wait_for_list(self, timeout: float) -> bool:
        """Whether the first list is complete."""
        return self._listed.wait(timeout)

    def get(self, key: Key) -> Object | None:
        return self._objects.get(key)

    def objects(self) -> list[Object]:
        return list(self._objects.values())

    def _run(self) -> None:
        try:
            self._keep_up()
        finally:
            self._watch = None  # it holds on to its connection's pool

    def _keep_up(self) -> None:
        pause = _RELIST_PAUSES[0]
        while not self._stop.is_set():
            try:
                rt = self._cluster.resource_type(*self._type)
                version = self._relist(rt)
                pause = _RELIST_PAUSES[0]
                self._follow(rt, version)
            except NotFoundError:
                self._stop.wait(pause)  # the kind is not served yet
            except ClusterError as error:
                if error.status != _EXPIRED:
                    log.warning("watching %s: %s", self._type[1], error)
                    self._stop.wait(pause)
                    pause = min(pause * 2, _RELIST_PAUSES[1])
            except Exception:
                if self._stop.is_set():
                    return
                log.exception("watching %s", self._type[1])
                self._stop.wait(pause)
                pause = min(pause * 2, _RELIST_PAUSES[1])

    def _relist(self, rt: ResourceType) -> str:
        listing = self._cluster.list(rt)
        present = {key_of(item): item for item in listing.items}
        for key in [key for key in self._objects if key not in present]:
            self._gone(self._objects[key])
        for item in present.values():
            self._seen(item)
        self._listed.set()
        return listing.resource_version

    def _follow(self, rt: ResourceType, version: str) -> None:
        """Watch from ``version``; a stream that ends is taken up where it stopped."""
        quick_ends = 0
        while not self._stop.is_set():
            began = time.monotonic()
            self._watch = self._cluster.watch(rt, resource_version=version)
            for event in self._watch:
                if self._stop.is_set():
                    return
                version = event.object["metadata"].get("resourceVersion") or version
                if event.type == "DELETED":
                    self._gone(event.object)
                elif event.type in ("ADDED", "MODIFIED"):
                    self._seen(event.object)
            quick_ends = quick_ends + 1 if time.monotonic() - began < 1.0 else 0
            if quick_ends:
                self._stop.wait(min(_RELIST_PAUSES[0] * quick_ends, _RELIST_PAUSES[1]))

    def _seen(self, obj: Object) -> None:
        old, new = self._objects.get(key_of(obj)), self._keep(obj)
        self._objects[key_of(obj)] = new
        if old is None or _version(old) != _version(new):
            self._on_change(old, new)

    def _gone(self, obj: Object) -> None:
        old = self._objects.pop(key_of(obj), None)
        if old is not None:
            self._on_change(old, None)


def _version(obj: Object) -> str:
    return str(obj["metadata"].get("resourceVersion", ""))
