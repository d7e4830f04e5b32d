"""What the server says about what it serves."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

from lapstrake.apiserver.builtin import Subresource
from lapstrake.apiserver.resources import Group, Registry, Served

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_AGGREGATED_PARAMETERS = {"g=apidiscovery.k8s.io", "v=v2", "as=APIGroupDiscoveryList"}


def wants_aggregated(accept: str) -> bool:
    """Whether the Accept header asks for all groups in one document."""
    for part in accept.split(","):
        pieces = {piece.strip() for piece in part.split(";")}
        if pieces >= _AGGREGATED_PARAMETERS:
            return True
    return False


def aggregated(registry: Registry, *, core: bool) -> dict[str, Any]:
    """The APIGroupDiscoveryList of ``/api`` (``core``) or ``/apis``."""
    groups = [group for group in registry.groups() if (group.name == "") is core]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [_group_discovery(registry, group) for group in groups],
    }


def _group_discovery(registry: Registry, group: Group) -> dict[str, Any]:
    versions = [
        {
            "version": version,
            "resources": [_resource_discovery(served) for served in registry.in_group(group.name, version)],
            "freshness": "Current",
        }
        for version in group.versions
    ]
    metadata: dict[str, Any] = {"creationTimestamp": None}
    if group.name:
        metadata["name"] = group.name
    return {"metadata": metadata, "versions": versions}


def _resource_discovery(served: Served) -> dict[str, Any]:
    rt = served.rt
    own = (rt.group, rt.version) if served.custom else ("", "")
    found: dict[str, Any] = {
        "resource": rt.plural,
        "responseKind": _response_kind(*own, rt.kind),
        "scope": "Namespaced" if rt.namespaced else "Cluster",
        "singularResource": rt.singular,
        "verbs": list(rt.verbs),
    }
    if rt.short_names:
        found["shortNames"] = list(rt.short_names)
    if rt.categories:
        found["categories"] = list(rt.categories)
    if served.subresources:
        found["subresources"] = [
            {
                "subresource": below.name,
                "responseKind": _response_kind(*(_foreign(served, below) or own), below.kind),
                "verbs": list(below.verbs),
            }
            for below in sorted(served.subresources, key=lambda below: below.name)
        ]
    return found


def _foreign(served: Served, below: Subresource) -> tuple[str, str] | None:
    """Group and version of what a subresource answers with, if they are not those of the resource."""
    if not below.group or (below.group, below.version) == (served.rt.group, served.rt.version):
        return None
    return below.group, below.version


def _response_kind(group: str, version: str, kind: str) -> dict[str, str]:
    return {"group": group, "version": version, "kind": kind}


def api_versions(address: str) -> dict[str, Any]:
    """``GET /api``."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def group_list(registry: Registry) -> dict[str, Any]:
    """``GET /apis``."""
    groups = [_group(group) for group in registry.groups() if group.name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group_document(registry: Registry, name: str) -> dict[str, Any] | None:
    """``GET /apis/GROUP``; None if there is no such group."""
    for group in registry.groups():
        if group.name == name and name:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group)}
    return None


def _group(group: Group) -> dict[str, Any]:
    versions = [{"groupVersion": f"{group.name}/{version}", "version": version} for version in group.versions]
    return {"name": group.name, "versions": versions, "preferredVersion": versions[0]}


def resource_list(registry: Registry, group: str, version: str) -> dict[str, Any] | None:
    """``GET /apis/GROUP/VERSION``; None if nobody serves that."""
    members = registry.in_group(group, version)
    if not members:
        return None
    listed: list[dict[str, Any]] = []
    for served in members:
        listed.append(_resource(served))
        listed += _subresources(served)
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": listed,
    }


def _resource(served: Served) -> dict[str, Any]:
    rt = served.rt
    found: dict[str, Any] = {
        "name": rt.plural,
        "singularName": rt.singular,
        "namespaced": rt.namespaced,
        "kind": rt.kind,
        "verbs": list(rt.verbs),
    }
    if rt.short_names:
        found["shortNames"] = list(rt.short_names)
    if rt.categories:
        found["categories"] = list(rt.categories)
    if "list" in rt.verbs and served.view is None:
        found["storageVersionHash"] = _storage_hash(served)
    return found


def _subresources(served: Served) -> Iterable[dict[str, Any]]:
    rt = served.rt
    for below in sorted(served.subresources, key=lambda below: below.name):
        found: dict[str, Any] = {
            "name": f"{rt.plural}/{below.name}",
            "singularName": "",
            "namespaced": rt.namespaced,
        }
        foreign = _foreign(served, below)
        if foreign is not None:
            found |= {"group": foreign[0], "version": foreign[1]}
        yield found | {"kind": below.kind, "verbs": list(below.verbs)}


def _storage_hash(served: Served) -> str:
    text = f"{served.rt.group}/{served.rt.version}/{served.rt.kind}"
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


def root_paths(registry: Registry) -> list[str]:
    """``GET /``: the paths there are."""
    found = {"/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/apis/", "/healthz", "/livez"}
    found |= {"/openapi/v2", "/openapi/v3", "/openapi/v3/", "/readyz", "/version"}
    for group in registry.groups():
        if group.name:
            found.add(f"/apis/{group.name}")
            found |= {f"/apis/{group.name}/{version}" for version in group.versions}
    return sorted(found)
