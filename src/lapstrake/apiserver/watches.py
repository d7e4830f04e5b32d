"""Watches: the changes of one collection as they come, through a selector."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from lapstrake.apiserver import status
from lapstrake.apiserver.reading import Reading, unstored
from lapstrake.apiserver.resources import Served
from lapstrake.apiserver.selectors import Test
from lapstrake.apiserver.store import (
    ADDED,
    DELETED,
    MODIFIED,
    Collection,
    Event,
    Expired,
    Store,
    Stored,
    stored,
)

BOOKMARK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What is watched. ``version`` None: begin with what exists; ``namespace`` "": everywhere."""

    served: Served
    namespace: str = ""
    test: Test | None = None
    version: int | None = None
    bookmarks: bool = False
    initial_bookmark: bool = False
    seconds: float | None = None


Encoder = Callable[[str, Stored], bytes]
"""``(event type, object) -> one line``, in the form that the client asked for."""


class Wakes:
    """Wakes the watches of a collection when it changed, from whatever thread the change came."""

    def __init__(self, store: Store) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[Collection, set[asyncio.Event]] = {}
        self._closed = False
        self._unsubscribe = store.subscribe(self._changed)

    @property
    def closed(self) -> bool:
        return self._closed

    def enter(self, collection: Collection) -> asyncio.Event:
        """The signal of one watch, set at every change."""
        self._loop = asyncio.get_running_loop()
        signal = asyncio.Event()
        self._waiting.setdefault(collection, set()).add(signal)
        return signal

    def leave(self, collection: Collection, signal: asyncio.Event) -> None:
        self._waiting[collection].discard(signal)

    def close(self) -> None:
        """End all watches, and let no new one begin. Callable from any thread."""
        self._closed = True
        self._unsubscribe()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake_all)

    def _wake_all(self) -> None:
        for signals in self._waiting.values():
            for signal in signals:
                signal.set()

    def _changed(self, event: Event) -> None:
        if self._loop is not None and self._waiting.get(event.key.collection):
            self._loop.call_soon_threadsafe(self._wake, event.key.collection)

    def _wake(self, collection: Collection) -> None:
        for signal in self._waiting.get(collection, ()):
            signal.set()


class Watch:
    """One open watch. ``more()`` gives the lines that are due, ``signal`` tells when to ask again."""

    def __init__(self, store: Store, reading: Reading, wish: Wish, encode: Encoder) -> None:
        self._store = store
        self._reading = reading
        self._wish = wish
        self._encode = encode
        self._version = wish.version or 0
        self._begun = wish.version is not None
        self.over = False

    def more(self) -> list[bytes]:
        """The lines since the last call. Sets ``over`` when the history is lost."""
        lines: list[bytes] = []
        if not self._begun:
            self._begun = True
            lines = self._initial()
        try:
            events = self._store.since(self._wish.served.collection, self._version)
        except Expired as error:
            self.over = True
            return [*lines, error_line(status.too_old(error.asked, error.oldest))]
        for event in events:
            self._version = event.version
            found = self._selected(event)
            if found is not None:
                lines.append(self._encode(*found))
        return lines

    def bookmark(self, annotations: Mapping[str, str] | None = None) -> bytes:
        """A line that says how far the watch is, without an object."""
        self._version = max(self._version, self._store.version)
        meta: dict[str, Any] = {"resourceVersion": str(self._version), "creationTimestamp": None}
        if annotations:
            meta["annotations"] = dict(annotations)
        rt = self._wish.served.rt
        return self._encode(
            "BOOKMARK", unstored({"kind": rt.kind, "apiVersion": rt.api_version, "metadata": meta})
        )

    def _initial(self) -> list[bytes]:
        items, self._version = self._reading.list(self._wish.served, self._wish.namespace)
        test = self._wish.test
        lines = [self._encode(ADDED, item) for item in items if test is None or test(item.object)]
        if self._wish.initial_bookmark:
            lines.append(self.bookmark({"k8s.io/initial-events-end": "true"}))
        return lines

    def _selected(self, event: Event) -> tuple[str, Stored] | None:
        """Type and object as the selector lets them through: a change may be a coming in or a going out."""
        shown = self._reading.concerns(self._wish.served, self._wish.namespace, event)
        if shown is None:
            return None
        test = self._wish.test
        if test is None:
            return shown.type, shown.now
        was = shown.before is not None and test(shown.before.object)
        if shown.type == DELETED:
            return (DELETED, shown.now) if was else None
        is_ = test(shown.now.object)
        if is_:
            return (MODIFIED if was else ADDED), shown.now
        if was and shown.before is not None:
            return DELETED, _renumbered(shown.before, shown.version)
        return None


def _renumbered(item: Stored, version: int) -> Stored:
    """The object before the change, with the number of the change."""
    return stored(item.copy(), version)


def error_line(refusal: status.ApiError) -> bytes:
    return orjson.dumps({"type": "ERROR", "object": refusal.status()}) + b"\n"
