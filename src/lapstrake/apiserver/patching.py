"""PATCH: the live object changed by a document, or by server-side apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from lapstrake.apiserver import bodies, patches, rules, status
from lapstrake.apiserver.causes import invalid
from lapstrake.apiserver.jsontext import go_value
from lapstrake.apiserver.objects import Objects, not_found
from lapstrake.apiserver.requests import Call
from lapstrake.apiserver.resources import Served
from lapstrake.apiserver.store import Stored
from lapstrake.apiserver.times import rfc3339

_NO_MANAGER = "Required value: is required for apply patch"


_METADATA_ORDER = (
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
)


def patched_text(changed: Mapping[str, Any]) -> str:
    """The result of a patch as the refusal of it prints it: without owners, in the server's order."""
    metadata = changed.get("metadata")
    if isinstance(metadata, Mapping):
        shown = {name: metadata[name] for name in _METADATA_ORDER if name in metadata}
        changed = {**changed, "metadata": shown}
    return orjson.dumps({key: changed[key] for key in sorted(changed)}).decode()


def strategic_text(patch: bytes) -> str:
    """A strategic merge patch as its refusal prints it."""
    return go_value(orjson.loads(patch))


class Patching:
    """Patches by the rules of ``objects``."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def patch(
        self,
        served: Served,
        namespace: str,
        name: str,
        patch: bytes,
        media: str,
        call: Call,
        subresource: str = "",
    ) -> tuple[Stored, bool]:
        """The object and whether the patch created it."""
        if media == patches.APPLY_PATCH:
            return self._apply(served, namespace, name, patch, call, subresource)
        if call.force:
            text = "Forbidden: may not be specified for non-apply patch"
            found = status.cause("FieldValueForbidden", "force", text)
            raise status.invalid("PatchOptions", "meta.k8s.io", "", [found])

        def change(live: Stored) -> dict[str, Any]:
            schema = None if served.custom else served.schema
            changed = patches.apply_patch(media, live.copy(), patch, schema)
            shown = strategic_text(patch) if media == patches.STRATEGIC_PATCH else patched_text(changed)
            return self._read_result(served, changed, live, call, shown)

        return self._objects.modify(served, namespace, name, change, call, subresource), False

    def _read_result(
        self, served: Served, changed: dict[str, Any], live: Stored, call: Call, shown: str
    ) -> dict[str, Any]:
        rt = served.rt
        try:
            obj = rules.redecoded(served, changed, live.object, call)
        except rules.Unreadable as error:
            raise status.invalid("", "", "", [invalid("patch", shown, error.cause)]) from None
        uid, lived = obj["metadata"].get("uid", ""), live.object["metadata"]["uid"]
        if uid and uid != lived:
            found = status.cause(
                "FieldValueInvalid", "metadata.uid", f'Invalid value: "{uid}": field is immutable'
            )
            name = live.object["metadata"]["name"]
            raise status.invalid(rt.kind, rt.group, name, [found, found])
        return obj

    def patched_value(self, value: dict[str, Any], patch: bytes, media: str) -> dict[str, Any]:
        """``value``, no object of a resource, after ``patch``."""
        return patches.apply_patch(media, value, patch, None)

    def _apply(
        self, served: Served, namespace: str, name: str, patch: bytes, call: Call, subresource: str
    ) -> tuple[Stored, bool]:
        if not call.manager_given:
            found = status.cause("FieldValueRequired", "fieldManager", _NO_MANAGER)
            raise status.invalid("PatchOptions", "meta.k8s.io", "", [found])
        wanted = self._read(served, namespace, name, patch)
        now = rfc3339(self._objects.clock())
        store = self._objects.store
        with store.transaction():
            if store.get(served.key(namespace, name)) is None:
                if subresource:
                    raise not_found(served, name)
                obj = rules.applied(served, None, wanted, call, now, "")
                if served.rt.namespaced:
                    obj["metadata"]["namespace"] = namespace
                return self._objects.create_decoded(served, namespace, obj, call, owned=True), True

            def change(live: Stored) -> dict[str, Any]:
                return rules.applied(served, live.copy(), wanted, call, now, subresource)

            item = self._objects.modify(served, namespace, name, change, call, subresource, owned=True)
            return item, False

    def _read(self, served: Served, namespace: str, name: str, patch: bytes) -> dict[str, Any]:
        """The applied configuration, with a head that fits the request."""
        rt = served.rt
        wanted = bodies.decoded(patch, bodies.YAML)
        if not isinstance(wanted, dict):
            raise status.bad_request("error decoding YAML: the patch is no object")
        if (wanted.get("apiVersion"), wanted.get("kind")) != (rt.api_version, rt.kind):
            group, _, version = str(wanted.get("apiVersion") or "").rpartition("/")
            raise status.bad_request(
                f"invalid object type: {group}/{version}, Kind={wanted.get('kind') or ''}"
            )
        meta = {"name": name, **(wanted.get("metadata") or {})}
        if meta["name"] != name:
            raise status.bad_request(
                f"the name of the object ({meta['name']}) does not match the name on the URL ({name})"
            )
        if rt.namespaced and meta.get("namespace", namespace) != namespace:
            raise status.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        if meta.get("managedFields"):
            raise status.bad_request("metadata.managedFields must be nil")
        return {**wanted, "metadata": meta}
