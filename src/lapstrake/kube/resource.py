"""A read-only view of a Kubernetes object. The object itself stays the plain mapping that it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class OwnerReference:
    api_version: str
    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """``body`` is never changed through this view. Missing parts read as empty."""

    body: Mapping[str, Any]

    @property
    def api_version(self) -> str:
        return str(self.body.get("apiVersion") or "")

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        return self.api_version.rpartition("/")[2]

    @property
    def kind(self) -> str:
        return str(self.body.get("kind") or "")

    @property
    def metadata(self) -> Mapping[str, Any]:
        metadata = self.body.get("metadata")
        return metadata if isinstance(metadata, Mapping) else {}

    @property
    def namespace(self) -> str:
        return str(self.metadata.get("namespace") or "")

    @property
    def name(self) -> str:
        return str(self.metadata.get("name") or "")

    @property
    def uid(self) -> str:
        return str(self.metadata.get("uid") or "")

    @property
    def resource_version(self) -> str:
        return str(self.metadata.get("resourceVersion") or "")

    @property
    def generation(self) -> int:
        return int(self.metadata.get("generation") or 0)

    @property
    def labels(self) -> Mapping[str, str]:
        return self.metadata.get("labels") or {}

    @property
    def annotations(self) -> Mapping[str, str]:
        return self.metadata.get("annotations") or {}

    @property
    def finalizers(self) -> Sequence[str]:
        return self.metadata.get("finalizers") or ()

    @property
    def created_at(self) -> str:
        return str(self.metadata.get("creationTimestamp") or "")

    @property
    def deleting(self) -> bool:
        return bool(self.metadata.get("deletionTimestamp"))

    @property
    def owners(self) -> tuple[OwnerReference, ...]:
        return tuple(
            OwnerReference(
                str(entry.get("apiVersion") or ""),
                str(entry.get("kind") or ""),
                str(entry.get("name") or ""),
                str(entry.get("uid") or ""),
            )
            for entry in self.metadata.get("ownerReferences") or ()
        )

    def at(self, path: Sequence[str | int], default: Any = None) -> Any:
        """The value at ``path`` (keys and list indices), or ``default`` where something on the way is missing."""
        value: Any = self.body
        for step in path:
            match value:
                case Mapping() if step in value:
                    value = value[step]
                case list() if isinstance(step, int) and -len(value) <= step < len(value):
                    value = value[step]
                case _:
                    return default
        return value

    def condition(self, type_: str) -> Mapping[str, Any] | None:
        """The entry of status.conditions with that type."""
        for entry in self.at(("status", "conditions")) or ():
            if isinstance(entry, Mapping) and entry.get("type") == type_:
                return entry
        return None

    def is_a(self, group: str, kind: str) -> bool:
        return self.kind == kind and self.group == group

    def __str__(self) -> str:
        """As kapp names it: ``configmap/settings (v1) namespace: shop``, ``namespace/shop (v1) cluster``."""
        place = f"namespace: {self.namespace}" if self.namespace else "cluster"
        return f"{self.kind.lower()}/{self.name or self.metadata.get('generateName', '') + '*'} ({self.api_version}) {place}"
