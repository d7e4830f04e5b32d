"""Which resource types a server has: aggregated discovery, or group by group where that is not known.

Source: API server behaviour as measured (two requests; the Content-Type of the answer tells which form it is).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from lapstrake.errors import ClusterError, NotFoundError
from lapstrake.kube.types import ResourceType

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


class _Http(Protocol):
    def request(self, method: str, path: str) -> Any: ...

    def negotiate(self, method: str, path: str, *, accept: str) -> tuple[str, Any]: ...


class Discovery:
    """The resource types of one server, asked once and again when somebody misses one. In order of preference."""

    def __init__(self, http: _Http) -> None:
        self._http = http
        self._lock = threading.Lock()
        self._types: tuple[ResourceType, ...] | None = None
        self._by_kind: dict[tuple[str, str], ResourceType] = {}

    def all(self, *, refresh: bool = False) -> tuple[ResourceType, ...]:
        with self._lock:
            if self._types is None or refresh:
                self._types = (*self._read("/api"), *self._read("/apis"))
                self._by_kind = {}
                for found in self._types:
                    self._by_kind.setdefault((found.api_version, found.kind), found)
            return self._types

    def find(self, api_version: str, kind: str) -> ResourceType:
        """Raises NotFoundError if the server has no such kind, also after asking it anew."""
        known = self._types is not None
        self.all()
        found = self._by_kind.get((api_version, kind))
        if found is None and known:
            self.all(refresh=True)
            found = self._by_kind.get((api_version, kind))
        if found is None:
            raise NotFoundError(
                f'no matches for kind "{kind}" in version "{api_version}"', status=404, reason="NotFound"
            )
        return found

    def _read(self, path: str) -> Iterable[ResourceType]:
        media_type, answer = self._http.negotiate("GET", path, accept=_AGGREGATED)
        if "APIGroupDiscoveryList" in media_type:
            return _aggregated(answer)
        versions = (
            [(f"{path}/{version}", "", version) for version in answer.get("versions") or []]
            if path == "/api"
            else [
                (f"{path}/{version['groupVersion']}", group["name"], version["version"])
                for group in answer.get("groups") or []
                for version in _preferred_first(group)
            ]
        )
        return [found for place in versions for found in self._group_version(*place)]

    def _group_version(self, path: str, group: str, version: str) -> list[ResourceType]:
        try:
            answer = self._http.request("GET", path)
        except ClusterError:
            return []  # one broken aggregated API must not take the others away
        return [
            _resource_type(group, version, entry, namespaced=bool(entry.get("namespaced")))
            for entry in answer.get("resources") or []
            if "/" not in entry["name"]
        ]


def _aggregated(answer: Mapping[str, Any]) -> list[ResourceType]:
    return [
        ResourceType(
            group=group["metadata"].get("name") or "",
            version=version["version"],
            kind=(resource.get("responseKind") or {}).get("kind") or "",
            plural=resource["resource"],
            namespaced=resource.get("scope") == "Namespaced",
            singular=resource.get("singularResource") or "",
            short_names=tuple(resource.get("shortNames") or ()),
            categories=tuple(resource.get("categories") or ()),
            verbs=tuple(resource.get("verbs") or ()),
        )
        for group in answer.get("items") or []
        for version in group.get("versions") or []
        for resource in version.get("resources") or []
    ]


def _preferred_first(group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    preferred = (group.get("preferredVersion") or {}).get("version")
    return sorted(group.get("versions") or [], key=lambda version: version["version"] != preferred)


def _resource_type(group: str, version: str, entry: Mapping[str, Any], *, namespaced: bool) -> ResourceType:
    return ResourceType(
        group=entry.get("group") or group,
        version=entry.get("version") or version,
        kind=entry["kind"],
        plural=entry["name"],
        namespaced=namespaced,
        singular=entry.get("singularName") or "",
        short_names=tuple(entry.get("shortNames") or ()),
        categories=tuple(entry.get("categories") or ()),
        verbs=tuple(entry.get("verbs") or ()),
    )
