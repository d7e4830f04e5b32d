"""Custom resource definitions: how their creation makes the server serve a new kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from lapstrake.apiserver.builtin import Subresource
from lapstrake.apiserver.deletion import CLEANUP, DeleteOptions, Deletion
from lapstrake.apiserver.objects import Objects
from lapstrake.apiserver.resources import (
    CUSTOM_VERBS,
    Registry,
    Scale,
    Served,
    version_order,
)
from lapstrake.apiserver.schema import from_openapi
from lapstrake.apiserver.store import DELETED, Collection, Event, Key, Store
from lapstrake.apiserver.times import rfc3339
from lapstrake.kube.types import ResourceType

DEFINITIONS = Collection("apiextensions.k8s.io", "customresourcedefinitions")
_READ_WRITE = ("get", "patch", "update")


def condition(obj: Mapping[str, Any], type_: str) -> Mapping[str, Any] | None:
    """The condition of that type in the object's status."""
    conditions = (obj.get("status") or {}).get("conditions") or []
    return next((found for found in conditions if found.get("type") == type_), None)


def is_true(obj: Mapping[str, Any], type_: str) -> bool:
    found = condition(obj, type_)
    return found is not None and found.get("status") == "True"


def served_by(definition: Mapping[str, Any]) -> list[Served]:
    """What an established definition serves, preferred version first; nothing before it is established."""
    if not is_true(definition, "Established"):
        return []
    versions = [version for version in definition["spec"]["versions"] if version.get("served")]
    versions.sort(key=lambda version: version_order(version["name"]))
    return [_served_version(definition, version) for version in versions]


def _served_version(definition: Mapping[str, Any], version: Mapping[str, Any]) -> Served:
    spec = definition["spec"]
    names = definition["status"]["acceptedNames"]
    rt = ResourceType(
        group=spec["group"],
        version=version["name"],
        kind=names["kind"],
        plural=names["plural"],
        namespaced=spec["scope"] == "Namespaced",
        singular=names.get("singular", ""),
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        verbs=CUSTOM_VERBS,
    )
    openapi = (version.get("schema") or {}).get("openAPIV3Schema")
    subresources = version.get("subresources") or {}
    scale = subresources.get("scale")
    listed = []
    if "status" in subresources:
        listed.append(Subresource("status", "", "", rt.kind, _READ_WRITE))
    if scale:
        listed.append(Subresource("scale", "autoscaling", "v1", "Scale", _READ_WRITE))
    return Served(
        rt=rt,
        collection=Collection(rt.group, rt.plural),
        custom_schema=from_openapi(openapi) if openapi else None,
        status="status" in subresources,
        scale=_scale(scale) if scale else None,
        subresources=tuple(listed),
        columns=tuple(version.get("additionalPrinterColumns") or ()),
        custom=True,
        list_kind=names.get("listKind", ""),
        openapi=openapi,
        selectable_fields=tuple(
            found["jsonPath"].lstrip(".") for found in version.get("selectableFields") or ()
        ),
        deprecation=_deprecation(rt, version),
        terminating=is_true(definition, "Terminating"),
    )


def _scale(paths: Mapping[str, str]) -> Scale:
    return Scale(
        paths["specReplicasPath"].lstrip("."),
        paths["statusReplicasPath"].lstrip("."),
        paths.get("labelSelectorPath", "").lstrip("."),
    )


def _deprecation(rt: ResourceType, version: Mapping[str, Any]) -> str:
    if not version.get("deprecated"):
        return ""
    return version.get("deprecationWarning") or f"{rt.api_version} {rt.kind} is deprecated"


class Definitions:
    """Keeps the registry in step with the stored definitions, and clears up after deleted ones."""

    def __init__(self, store: Store, registry: Registry, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        for _, stored in store.list(DEFINITIONS)[0]:
            registry.set_custom(stored.object["metadata"]["name"], served_by(stored.object))

    def observe(self, event: Event) -> None:
        """Called within the commit of a change, so that its author can use the kind at once."""
        if event.key.collection == DEFINITIONS:
            gone = event.type == DELETED
            self._registry.set_custom(event.key.name, [] if gone else served_by(event.now.object))

    def prepare(self, new: dict[str, Any], old: Mapping[str, Any] | None) -> None:
        """Fill in what the server decides: default names, accepted names, conditions, stored versions."""
        spec = new.setdefault("spec", {})
        names = spec.get("names") or {}
        if not (spec.get("group") and names.get("plural") and names.get("kind")):
            # Refused by the rules of the kind.
            return
        names.setdefault("singular", names["kind"].lower())
        names.setdefault("listKind", names["kind"] + "List")
        spec.setdefault("conversion", {"strategy": "None"})
        status = new.setdefault("status", {})
        status["conditions"] = self._conditions(new, old)
        taken = self._conflict(new)
        if taken is None:
            status["acceptedNames"] = dict(names)
        elif "acceptedNames" not in status:
            status["acceptedNames"] = {"plural": "", "kind": ""}
        stored = [version.get("name", "") for version in spec.get("versions") or () if version.get("storage")]
        status["storedVersions"] = list(dict.fromkeys([*(status.get("storedVersions") or []), *stored]))

    def _conditions(self, new: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        now = rfc3339(self._clock())
        kept = [dict(found) for found in ((old or {}).get("status") or {}).get("conditions") or []]
        taken = self._conflict(new)
        if taken is not None:
            accepted = ("False", taken[0], taken[1])
            established = ("False", "NotAccepted", "not all names are accepted")
        else:
            accepted = ("True", "NoConflicts", "no conflicts found")
            established = ("True", "InitialNamesAccepted", "the initial names have been accepted")
        if old is not None and is_true(old, "Established"):
            established = ("True", "InitialNamesAccepted", "the initial names have been accepted")
        set_condition(kept, "NamesAccepted", *accepted, now)
        set_condition(kept, "Established", *established, now)
        return kept

    def _conflict(self, new: Mapping[str, Any]) -> tuple[str, str] | None:
        """Reason and message if another definition of the group has one of the names."""
        names = new["spec"]["names"]
        mine = {names["plural"], names.get("singular", ""), *(names.get("shortNames") or ())} - {""}
        for served in self._registry.all():
            rt = served.rt
            if rt.group != new["spec"]["group"] or rt.plural == names["plural"]:
                continue
            theirs = {rt.plural, rt.singular, *rt.short_names}
            for name in sorted(mine & theirs):
                reason = "ShortNamesConflict" if name in (names.get("shortNames") or ()) else "PluralConflict"
                return reason, f'"{name}" is already in use'
            if rt.kind == names["kind"]:
                return "KindConflict", f'"{rt.kind}" is already in use'
        return None


def set_condition(
    conditions: list[dict[str, Any]], type_: str, status: str, reason: str, message: str, now: str
) -> None:
    """Set one condition in place; its time changes only with its status."""
    wanted = {
        "type": type_,
        "status": status,
        "lastTransitionTime": now,
        "reason": reason,
        "message": message,
    }
    for at, found in enumerate(conditions):
        if found.get("type") == type_:
            if found.get("status") == status:
                wanted["lastTransitionTime"] = found.get("lastTransitionTime", now)
            conditions[at] = wanted
            return
    conditions.append(wanted)


class Cleanup:
    """Controller: removes the instances of a deleted definition, then lets the definition go."""

    def __init__(self, objects: Objects, deletion: Deletion) -> None:
        self._objects = objects
        self._deletion = deletion
        self._waiting: dict[Collection, str] = {}

    def handle(self, event: Event) -> None:
        if event.key.collection == DEFINITIONS:
            spec = event.now.object["spec"]
            collection = Collection(spec["group"], spec["names"]["plural"])
            if event.type == DELETED:
                self._waiting.pop(collection, None)
            elif "deletionTimestamp" in event.now.object["metadata"]:
                self._waiting[collection] = event.key.name
                self._clear(collection)
        elif event.type == DELETED and event.key.collection in self._waiting:
            self._clear(event.key.collection)

    def _clear(self, collection: Collection) -> None:
        name = self._waiting[collection]
        served = self._objects.registry.of_collection(collection)
        if served is not None:
            for key, item in self._objects.store.list(collection)[0]:
                if "deletionTimestamp" not in item.object["metadata"]:
                    self._deletion.delete(served, key.namespace, key.name, DeleteOptions("Background"))
        left = self._objects.store.list(collection)[0]
        now = rfc3339(self._objects.clock())

        def change(obj: dict[str, Any]) -> None:
            conditions = obj.setdefault("status", {}).setdefault("conditions", [])
            if left:
                text = "CustomResource deletion is in progress"
                set_condition(conditions, "Terminating", "True", "InstanceDeletionInProgress", text, now)
            else:
                text = "removed all instances"
                set_condition(conditions, "Terminating", "False", "InstanceDeletionCompleted", text, now)
                meta = obj["metadata"]
                meta["finalizers"] = [found for found in meta.get("finalizers") or [] if found != CLEANUP]

        self._objects.amend(Key(DEFINITIONS, "", name), change)
