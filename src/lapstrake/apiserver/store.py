"""Objects at rest, and the order in which they changed.

Every object lives in memory for reading and in SQLite for the next start; a write goes to both inside
one transaction. One counter, the resourceVersion, numbers all changes. The latest of them are kept as
events, so that a watch can go on from where it was; what is older is answered with 410, as after a
restart, when the history begins anew.
"""

from __future__ import annotations

import sqlite3
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"
FIRST_VERSION = 100
"""A new store starts here, so that small numbers are always too old, as on a real cluster."""

HISTORY = 4096
"""Events kept per collection; twice as many are allowed to gather before the older half is dropped."""

_METADATA = (
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)
"""The order in which servers write the metadata."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    "group" TEXT NOT NULL, plural TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    version INTEGER NOT NULL, object BLOB NOT NULL,
    PRIMARY KEY ("group", plural, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);
"""


class Collection(NamedTuple):
    """Where the objects of one resource are kept, whatever version they are served in."""

    group: str
    plural: str


class Key(NamedTuple):
    """``namespace`` is empty for what is cluster-wide."""

    collection: Collection
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as it is now. ``object`` is shared: read it, never change it.

    ``body`` is its JSON without ``{"kind":..,"apiVersion":..,``, so that a version of the resource can put
    its own in front.
    """

    object: dict[str, Any]
    body: bytes
    version: int

    def copy(self) -> dict[str, Any]:
        """The object for changing."""
        copied: dict[str, Any] = {"kind": self.object["kind"], "apiVersion": self.object["apiVersion"]}
        copied.update(orjson.loads(b"{" + self.body))
        return copied


@dataclass(frozen=True, slots=True)
class Event:
    """One change: ``now`` is the state after it (for DELETED: the last one), ``before`` that before it."""

    type: str
    key: Key
    now: Stored
    before: Stored | None

    @property
    def version(self) -> int:
        return self.now.version


class Changed(Exception):
    """The object is not at the version that the writer expected."""


class Expired(Exception):
    """The history does not reach back to ``asked``; it begins after ``oldest``."""

    def __init__(self, asked: int, oldest: int) -> None:
        super().__init__(f"{asked} is older than {oldest}")
        self.asked = asked
        self.oldest = oldest


def stored(obj: dict[str, Any], version: int) -> Stored:
    """``obj`` with its resourceVersion set to ``version``; takes possession of ``obj``."""
    kind, api_version = obj["kind"], obj["apiVersion"]
    meta = obj["metadata"]
    meta["resourceVersion"] = str(version)
    ordered = {name: meta[name] for name in _METADATA if name in meta}
    rest = {**obj, "metadata": {**ordered, **meta}}
    del rest["kind"], rest["apiVersion"]
    return Stored({"kind": kind, "apiVersion": api_version, **rest}, orjson.dumps(rest)[1:], version)


class _History:
    """The latest events of one collection, in order."""

    __slots__ = ("events", "floor", "versions")

    def __init__(self, floor: int) -> None:
        self.events: list[Event] = []
        self.versions: list[int] = []
        self.floor = floor

    def append(self, event: Event) -> None:
        self.events.append(event)
        self.versions.append(event.version)
        if len(self.events) >= 2 * HISTORY:
            self.floor = self.versions[HISTORY - 1]
            del self.events[:HISTORY], self.versions[:HISTORY]

    def since(self, version: int) -> list[Event]:
        if version < self.floor:
            raise Expired(version, self.floor)
        return self.events[bisect_right(self.versions, version) :]


Listener = Callable[[Event], None]


class Store:
    """All objects of one server. Safe to use from several threads; writers take turns."""

    def __init__(self, path: str = ":memory:") -> None:
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(_SCHEMA)
        self._objects: dict[Collection, dict[tuple[str, str], Stored]] = {}
        self._histories: dict[Collection, _History] = {}
        self._listeners: tuple[Listener, ...] = ()
        self._depth = 0
        self._undo: list[tuple[Key, Stored | None]] = []
        self._pending: list[Event] = []
        self._version = self._load()
        self._floor = self._version

    def _load(self) -> int:
        row = self._database.execute("SELECT version FROM counter").fetchone()
        if row is None:
            self._database.execute("INSERT INTO counter VALUES (1, ?)", (FIRST_VERSION,))
        query = 'SELECT "group", plural, namespace, name, version, object FROM objects'
        for group, plural, namespace, name, version, text in self._database.execute(query):
            collection = self._objects.setdefault(Collection(group, plural), {})
            collection[namespace, name] = stored(orjson.loads(text), version)
        return int(row[0]) if row else FIRST_VERSION

    def close(self) -> None:
        with self._lock:
            self._database.close()

    @property
    def version(self) -> int:
        """The number of the latest change."""
        return self._version

    # -- reading

    def get(self, key: Key) -> Stored | None:
        with self._lock:
            return self._objects.get(key.collection, {}).get((key.namespace, key.name))

    def list(
        self, collection: Collection, namespace: str | None = None
    ) -> tuple[list[tuple[Key, Stored]], int]:
        """The objects of one namespace (None: of all) in the order of NAMESPACE/NAME; and the version of the list."""
        with self._lock:
            items = list(self._objects.get(collection, {}).items())
            version = self._version
        if namespace is not None:
            items = [item for item in items if item[0][0] == namespace]
        items.sort(key=_first)
        return [(Key(collection, *place), item) for place, item in items], version

    def collections(self) -> Sequence[Collection]:
        """Those that hold at least one object."""
        with self._lock:
            return [collection for collection, objects in self._objects.items() if objects]

    def since(self, collection: Collection, version: int) -> Sequence[Event]:
        """The changes after ``version``, in order. Raises Expired if they are no longer known."""
        with self._lock:
            return self._history(collection).since(version)

    def _history(self, collection: Collection) -> _History:
        history = self._histories.get(collection)
        if history is None:
            history = self._histories[collection] = _History(self._floor)
        return history

    # -- writing

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Read, decide and write without anybody in between.

        Transactions nest; an exception that leaves the outermost one undoes all writes in it.
        """
        with self._lock:
            if self._depth == 0:
                self._database.execute("BEGIN")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._roll_back()
                raise
            self._depth -= 1
            if self._depth == 0:
                self._commit()

    def put(self, key: Key, obj: dict[str, Any], *, expected: int | None) -> Stored:
        """Write one object, which the store then owns.

        ``expected``: the version it must have now, 0 if it must not exist, None if that does not matter.
        Raises Changed.
        """
        with self.transaction():
            before = self._checked(key, expected)
            now = stored(obj, self._next_version())
            text = orjson.dumps(now.object)
            self._database.execute(
                "REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)", (*_place(key), now.version, text)
            )
            self._objects.setdefault(key.collection, {})[key.namespace, key.name] = now
            self._undo.append((key, before))
            self._pending.append(Event(MODIFIED if before else ADDED, key, now, before))
            return now

    def delete(
        self, key: Key, *, expected: int | None = None, last: dict[str, Any] | None = None
    ) -> Stored | None:
        """Remove one object and answer with its last state, ``last`` if given; None if it is not there."""
        with self.transaction():
            before = self._checked(key, expected)
            if before is None:
                return None
            gone = stored(last if last is not None else before.copy(), self._next_version())
            where = 'DELETE FROM objects WHERE "group" = ? AND plural = ? AND namespace = ? AND name = ?'
            self._database.execute(where, _place(key))
            del self._objects[key.collection][key.namespace, key.name]
            self._undo.append((key, before))
            self._pending.append(Event(DELETED, key, gone, before))
            return gone

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` for every change, in order, right after its commit; it must return quickly.

        It runs in the thread of the writer, which still holds the store: hand the event on, do not wait in it.
        Answers with the function that ends this.
        """
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(other for other in self._listeners if other is not listener)

        return unsubscribe

    def _checked(self, key: Key, expected: int | None) -> Stored | None:
        before = self.get(key)
        if expected is not None and expected != (before.version if before else 0):
            raise Changed(key.name)
        return before

    def _next_version(self) -> int:
        self._version += 1
        return self._version

    def _commit(self) -> None:
        events, self._pending = self._pending, []
        self._undo.clear()
        if events:
            self._database.execute("UPDATE counter SET version = ?", (self._version,))
        self._database.execute("COMMIT")
        for event in events:
            self._history(event.key.collection).append(event)
        for event in events:
            for listener in self._listeners:
                listener(event)

    def _roll_back(self) -> None:
        self._database.execute("ROLLBACK")
        self._pending.clear()
        while self._undo:
            key, before = self._undo.pop()
            objects = self._objects[key.collection]
            if before is None:
                del objects[key.namespace, key.name]
            else:
                objects[key.namespace, key.name] = before


def _first(item: tuple[tuple[str, str], Stored]) -> str:
    return "/".join(item[0])


def _place(key: Key) -> tuple[str, str, str, str]:
    return (*key.collection, key.namespace, key.name)
