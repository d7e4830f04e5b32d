"""PATCH: the live object changed by a document, or by server-side apply."""

from __future__ import annotations

from typing import Any

from lapstrake.apiserver import patches, rules, status
from lapstrake.apiserver.objects import Objects
from lapstrake.apiserver.requests import Call
from lapstrake.apiserver.resources import Served
from lapstrake.apiserver.store import Stored

_NO_MANAGER = "Required value: is required for apply patch"


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
            return rules.redecoded(served, changed, live.object, call)

        return self._objects.modify(served, namespace, name, change, call, subresource), False

    def patched_value(self, value: dict[str, Any], patch: bytes, media: str) -> dict[str, Any]:
        """``value``, no object of a resource, after ``patch``."""
        return patches.apply_patch(media, value, patch, None)

    def _apply(
        self, served: Served, namespace: str, name: str, patch: bytes, call: Call, subresource: str
    ) -> tuple[Stored, bool]:
        if not call.manager_given:
            found = status.cause("FieldValueRequired", "fieldManager", _NO_MANAGER)
            raise status.invalid("PatchOptions", "meta.k8s.io", "", [found])
        raise status.unsupported_media_type([patches.JSON_PATCH, patches.MERGE_PATCH])
