"""Garbage collection: objects go when all their owners are gone (facts/kube-api.md section 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lapstrake.apiserver.deletion import FOREGROUND, ORPHAN, DeleteOptions, Deletion
from lapstrake.apiserver.objects import Objects
from lapstrake.apiserver.status import ApiError
from lapstrake.apiserver.store import DELETED, Event, Key, Stored


class GarbageCollector:
    """Controller: follows owner references from an index of dependents by the uid of their owner."""

    def __init__(self, objects: Objects, deletion: Deletion) -> None:
        self._objects = objects
        self._deletion = deletion
        self._dependents: dict[str, set[Key]] = {}

    def handle(self, event: Event) -> None:
        self._index(event)
        if event.type == DELETED:
            self._owner_gone(event.now.object["metadata"]["uid"])
            for reference in _references(event.now.object):
                self._release(self._owner_key(event.key, reference))
            return
        item = self._objects.store.get(event.key)
        if item is None or item.version != event.now.version:
            # A later event speaks of that state. Until it comes, the index lacks dependents that are already there.
            return
        if "deletionTimestamp" in item.object["metadata"]:
            self._let_go(event.key, item)
        elif _references(item.object):
            self._check(event.key, item)

    def _index(self, event: Event) -> None:
        before = {ref["uid"] for ref in _references(event.before.object)} if event.before else set()
        now = set() if event.type == DELETED else {ref["uid"] for ref in _references(event.now.object)}
        for uid in before - now:
            keys = self._dependents.get(uid)
            if keys is not None:
                keys.discard(event.key)
                if not keys:
                    del self._dependents[uid]
        for uid in now:
            self._dependents.setdefault(uid, set()).add(event.key)

    def _living(self, keys: Iterable[Key]) -> list[tuple[Key, Stored]]:
        found = ((key, self._objects.store.get(key)) for key in sorted(keys))
        return [(key, item) for key, item in found if item is not None]

    def _owner_gone(self, uid: str) -> None:
        for key, item in self._living(self._dependents.get(uid, ())):
            if "deletionTimestamp" not in item.object["metadata"]:
                self._check(key, item)

    def _check(self, key: Key, item: Stored) -> None:
        """Delete the object if none of its owners lives; else drop its references to those that are gone."""
        references = _references(item.object)
        states = {reference["uid"]: self._owner_state(key, reference) for reference in references}
        gone = {uid for uid, state in states.items() if state == "gone"}
        if not gone and "leaving" not in states.values():
            return
        if all(state in ("gone", "leaving") for state in states.values()):
            if "unknown" not in states.values():
                self._delete(key, item, "leaving" in states.values())
        elif gone:
            self._objects.amend(key, lambda obj: _drop_references(obj, gone))

    def _owner_key(self, dependent: Key, reference: Mapping[str, Any]) -> Key | None:
        served = self._objects.registry.of_kind(reference.get("apiVersion", ""), reference.get("kind", ""))
        if served is None:
            return None
        return served.key(dependent.namespace if served.rt.namespaced else "", reference.get("name", ""))

    def _owner_state(self, dependent: Key, reference: Mapping[str, Any]) -> str:
        """alive; leaving: waits for its dependents to go; gone; unknown: nobody serves its kind."""
        key = self._owner_key(dependent, reference)
        if key is None:
            return "unknown"
        owner = self._objects.store.get(key)
        if owner is None or owner.object["metadata"]["uid"] != reference["uid"]:
            return "gone"
        meta = owner.object["metadata"]
        if "deletionTimestamp" in meta and FOREGROUND in (meta.get("finalizers") or []):
            return "leaving"
        return "alive"

    def _delete(self, key: Key, item: Stored, foreground: bool) -> None:
        served = self._objects.registry.of_collection(key.collection)
        if served is None:
            return
        has_dependents = item.object["metadata"]["uid"] in self._dependents
        propagation = "Foreground" if foreground and has_dependents else "Background"
        options = DeleteOptions(propagation, uid=item.object["metadata"]["uid"])
        try:
            self._deletion.delete(served, key.namespace, key.name, options)
        except ApiError as refusal:
            if refusal.code not in (404, 409):
                raise

    # -- owners that wait

    def _let_go(self, key: Key, item: Stored) -> None:
        finalizers = item.object["metadata"].get("finalizers") or []
        uid = item.object["metadata"]["uid"]
        dependents = self._living(self._dependents.get(uid, ()))
        if ORPHAN in finalizers:
            for dependent, _ in dependents:
                self._objects.amend(dependent, lambda obj: _drop_references(obj, {uid}))
            self._objects.amend(key, lambda obj: _drop_finalizer(obj, ORPHAN))
        elif FOREGROUND in finalizers:
            for dependent, found in dependents:
                if "deletionTimestamp" not in found.object["metadata"]:
                    self._check(dependent, found)
            self._release(key)

    def _release(self, key: Key | None) -> None:
        """Take the foreground finalizer from an owner that no dependent blocks any more."""
        item = self._objects.store.get(key) if key is not None else None
        if key is None or item is None:
            return
        meta = item.object["metadata"]
        if "deletionTimestamp" not in meta or FOREGROUND not in (meta.get("finalizers") or []):
            return
        for _, dependent in self._living(self._dependents.get(meta["uid"], ())):
            for reference in _references(dependent.object):
                if reference["uid"] == meta["uid"] and reference.get("blockOwnerDeletion"):
                    return
        self._objects.amend(key, lambda obj: _drop_finalizer(obj, FOREGROUND))


def _references(obj: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return obj["metadata"].get("ownerReferences") or []


def _drop_references(obj: dict[str, Any], uids: set[str]) -> None:
    meta = obj["metadata"]
    kept = [reference for reference in _references(obj) if reference["uid"] not in uids]
    if kept:
        meta["ownerReferences"] = kept
    else:
        meta.pop("ownerReferences", None)


def _drop_finalizer(obj: dict[str, Any], name: str) -> None:
    meta = obj["metadata"]
    kept = [found for found in meta.get("finalizers") or [] if found != name]
    if kept:
        meta["finalizers"] = kept
    else:
        meta.pop("finalizers", None)
