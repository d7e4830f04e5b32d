"""The thread in which the server's own controllers follow what happens in the store."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from lapstrake.apiserver.store import ADDED, Event, Store

_log = logging.getLogger(__name__)


class Controller(Protocol):
    """Reacts to changes, one after the other; what exists at the start comes first, as ADDED."""

    def handle(self, event: Event) -> None: ...


class Background:
    """Hands every event to all controllers. A controller that fails is logged and does not stop the others."""

    def __init__(self, store: Store, controllers: Sequence[Controller]) -> None:
        self._store = store
        self._controllers = tuple(controllers)
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        with self._store.transaction():
            self._unsubscribe = self._store.subscribe(self._events.put)
            for collection in self._store.collections():
                for key, item in self._store.list(collection)[0]:
                    self._events.put(Event(ADDED, key, item, None))
        self._thread = threading.Thread(target=self._run, name="apiserver-background", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the event at hand and end the thread."""
        self._unsubscribe()
        self._events.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (event := self._events.get()) is not None:
            for controller in self._controllers:
                try:
                    controller.handle(event)
                except Exception:
                    _log.exception("a controller failed on %s of %s", event.type, event.key)
