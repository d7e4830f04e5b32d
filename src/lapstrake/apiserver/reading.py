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
    if served.view is not None and served.view.shown_name(obj["metadata"]["name"]) != obj["metadata"]["name"]:
        return _through(served, served.view, stored)
    return Stored({**obj, "kind": rt.kind, "apiVersion": rt.api_version}, stored.body, stored.version)


def at_rest(served: Served, obj: dict[str, Any]) -> dict[str, Any]:
    """The way back: a shown object in the form of the kind it is stored as."""
    if served.view is None:
        if served.rt.kind == "Event" and served.rt.group == "events.k8s.io":
            return conversions.converted(obj, "v1")
        return obj
    storage = served.view.storage
    metadata = {**obj["metadata"], "name": served.view.stored_name(obj["metadata"]["name"])}
    return {**obj, "kind": storage.kind, "apiVersion": storage.api_version, "metadata": metadata}


def _through(served: Served, view: View, stored: Stored, **changed: str) -> Stored:
    """``stored`` as the view shows it, with ``changed`` in its metadata."""
    metadata = stored.object["metadata"]
    shown = {**metadata, "name": view.shown_name(metadata["name"]), **changed}
    head = {"kind": served.rt.kind, "apiVersion": served.rt.api_version}
    return replace(unstored({**stored.object, **head, "metadata": shown}), version=stored.version)


class Reading:
    """Gets and lists, through views where a kind is one."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self.registry = registry

    def get(self, served: Served, namespace: str, name: str) -> Stored | None:
        found = self._store.get(served.key(namespace, name))
        if found is not None:
            return seen(served, found)
        view = served.view
        if view is not None and self._borrows(view, namespace):
            found = self._store.get(served.key(view.fallback_namespace, name))
            return _through(served, view, found, namespace=namespace) if found is not None else None
        return None

    def list(self, served: Served, namespace: str) -> tuple[list[Stored], int]:
        """All objects of a namespace ("": of all namespaces) and the list's version.

        They come by namespace and name, names that the fallback namespace has before the others.
        """
        items, version = self._store.list(served.collection, namespace or None)
        view = served.view
        if view is None or not self._borrows(view, namespace):
            return [seen(served, item) for _, item in items], version
        own = {key.name: seen(served, item) for key, item in items}
        shared, version = self._store.list(served.collection, view.fallback_namespace)
        found = {key.name: _through(served, view, item, namespace=namespace) for key, item in shared}
        return list((found | own).values()), version

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

        def lent(stored: Stored) -> Stored:
            return _through(served, view, stored, namespace=namespace)

        before = lent(event.before) if event.before is not None else None
        return Event(event.type, event.key, lent(event.now), before)

    def _borrows(self, view: View, namespace: str) -> bool:
        if not view.fallback_namespace or namespace in ("", view.fallback_namespace):
            return False
        if not view.exclude_annotation:
            return True
        home = self._store.get(Key(NAMESPACES, "", namespace))
        annotations = (home.object["metadata"].get("annotations") or {}) if home else {}
        return view.exclude_annotation not in annotations
