"""One object under reconciliation: its status and its finalizer in the cluster, written step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from lapstrake.errors import ConflictError, NotFoundError
from lapstrake.kube.types import ResourceType
from lapstrake.packaging.app_status import status_patch

Object = Mapping[str, Any]

MERGE_PATCH = "application/merge-patch+json"
_ATTEMPTS = 5


class Writable(Protocol):
    """The part of a cluster client that this needs."""

    def get(self, rt: ResourceType, namespace: str | None, name: str) -> dict[str, Any]: ...
    def patch(
        self,
        rt: ResourceType,
        namespace: str | None,
        name: str,
        body: object,
        content_type: str,
        *,
        subresource: str = "",
    ) -> dict[str, Any]: ...


class Reconciled:
    """``obj`` as last written; ``status`` as it is to be, written by :meth:`write`."""

    def __init__(self, cluster: Writable, rt: ResourceType, obj: Object) -> None:
        self._cluster = cluster
        self._rt = rt
        self.obj = obj
        self.status: Mapping[str, Any] = obj.get("status") or {}

    @property
    def spec(self) -> Mapping[str, Any]:
        spec: Mapping[str, Any] = self.obj["spec"]
        return spec

    @property
    def generation(self) -> int:
        return int(self.obj["metadata"].get("generation") or 0)

    @property
    def deleted(self) -> bool:
        return bool(self.obj["metadata"].get("deletionTimestamp"))

    @property
    def new_generation(self) -> bool:
        return self.generation != (self.obj.get("status") or {}).get("observedGeneration")

    def write(self) -> None:
        """Write what differs of the status; nothing if nothing does. Raises NotFoundError if it is gone."""
        body = status_patch(self.obj.get("status") or {}, self.status)
        if body is None:
            return
        metadata = self.obj["metadata"]
        # An object deleted and made anew under its name must not get this status: the uid tells them apart.
        body["metadata"] = {"uid": metadata["uid"]}
        written = self._cluster.patch(
            self._rt,
            metadata.get("namespace"),
            metadata["name"],
            body,
            MERGE_PATCH,
            subresource="status",
        )
        self._took(written)

    def add_finalizer(self, finalizer: str) -> None:
        self._change_finalizers(lambda present: present if finalizer in present else [*present, finalizer])

    def remove_finalizer(self, finalizer: str) -> None:
        """Let go of the object; one that is gone already is fine."""
        try:
            self._change_finalizers(lambda present: [item for item in present if item != finalizer])
        except NotFoundError:
            pass

    def _change_finalizers(self, change: Callable[[list[str]], list[str]]) -> None:
        """A merge patch replaces the whole list, so it is tied to the version that was read."""
        for attempt in range(_ATTEMPTS):
            metadata = self.obj["metadata"]
            present = list(metadata.get("finalizers") or ())
            wanted = change(present)
            if wanted == present:
                return
            body = {"metadata": {"finalizers": wanted, "resourceVersion": metadata["resourceVersion"]}}
            try:
                self._took(
                    self._cluster.patch(
                        self._rt, metadata.get("namespace"), metadata["name"], body, MERGE_PATCH
                    )
                )
                return
            except ConflictError:
                if attempt == _ATTEMPTS - 1:
                    raise
                self._took(self._cluster.get(self._rt, metadata.get("namespace"), metadata["name"]))

    def _took(self, written: Object) -> None:
        """Go on from what the server has; the generation under work stays the one this run began with."""
        metadata = dict(written["metadata"])
        metadata["generation"] = self.generation
        self.obj = {**self.obj, "metadata": metadata, "status": written.get("status") or {}}
