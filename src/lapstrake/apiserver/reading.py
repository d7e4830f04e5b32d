"""Objects as one version of their resource shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from lapstrake.apiserver import conversions
from lapstrake.apiserver.resources import Registry, Served, View
from lapstrake.apiserver.store import Collection, Event, Key, Store, Stored

NAMESPACES = Collection("", "namespaces")


def unstored(obj: dict[str, Any]) -> Stored:
    """An object that is shown but not kept (dry run)."""
    rest = {name: value for name, value in obj.items() if name not in ("kind", "apiVersion")}
    return Stored({"kind": obj["kind"], "apiVersion": obj["apiVersion"], **rest}, orjson.dumps(rest)[1:], 0)


def seen(served: Served, stored: Stored) -> Stored:
    """``stored`` with the kind and apiVersion of ``served``."""
    obj, rt = stored.object, served.rt
    if obj["apiVersion"] == rt.api_version and obj["kind"] == rt.kind:
        return stored
    if conversions.differs(rt.kind, obj["apiVersion"], rt.api_version):
        return replace(unstored(conversions.converted(obj, rt.api_version)), version=stored.version)
    return Stored({**obj, "kind": rt.kind, "apiVersion": rt.api_version}, stored.body, stored.version)


def lent(served: Served, stored: Stored, namespace: str) -> Stored:
    """An object of the fallback namespace as if it lived in ``namespace``."""
    shown = seen(served, stored)
    obj = {**shown.object, "metadata": {**shown.object["metadata"], "namespace": namespace}}
    rest = {name: value for name, value in obj.items() if name not in ("kind", "apiVersion")}
    return Stored(obj, orjson.dumps(rest)[1:], stored.version)


class Reading:
    """Gets and lists, through views where a kind is one."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self.registry = registry

    def get(self, served: Served, namespace: str, name: str) -> Stored | None:
        found = self._store.get(Key(served.collection, namespace, name))
        if found is not None:
            return seen(served, found)
        if served.view is not None and self._borrows(served.view, namespace):
            found = self._store.get(Key(served.collection, served.view.fallback_namespace, name))
            return lent(served, found, namespace) if found is not None else None
        return None

    def list(self, served: Served, namespace: str) -> tuple[list[Stored], int]:
        """All objects of a namespace ("": of all namespaces), by namespace and name; the list's version."""
        items, version = self._store.list(served.collection, namespace or None)
        found = [seen(served, item) for _, item in items]
        if served.view is not None and namespace and self._borrows(served.view, namespace):
            own = {item.object["metadata"]["name"] for item in found}
            shared, version = self._store.list(served.collection, served.view.fallback_namespace)
            found += [lent(served, item, namespace) for key, item in shared if key.name not in own]
            found.sort(key=lambda item: item.object["metadata"]["name"])
        return found, version

    def concerns(self, served: Served, namespace: str, event: Event) -> Event | None:
        """``event`` as a watch of ``namespace`` ("": of all) sees it; None if it does not."""
        place = event.key.namespace
        if not namespace or place == namespace:
            before = seen(served, event.before) if event.before is not None else None
            return Event(event.type, event.key, seen(served, event.now), before)
        view = served.view
        if view is None or place != view.fallback_namespace or not self._borrows(view, namespace):
            return None
        if self._store.get(Key(served.collection, namespace, event.key.name)) is not None:
            return None
        before = lent(served, event.before, namespace) if event.before is not None else None
        return Event(event.type, event.key, lent(served, event.now, namespace), before)

    def _borrows(self, view: View, namespace: str) -> bool:
        if not view.fallback_namespace or namespace in ("", view.fallback_namespace):
            return False
        if not view.exclude_annotation:
            return True
        home = self._store.get(Key(NAMESPACES, "", namespace))
        annotations = (home.object["metadata"].get("annotations") or {}) if home else {}
        return view.exclude_annotation not in annotations
