"""The resources a user gives: checked, unpacked, put into namespaces, made unique."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lapstrake.errors import InputError
from lapstrake.kapp.compare import same
from lapstrake.kapp.labels import NONCE, Key, key_of
from lapstrake.kube.resource import Resource

Object = dict[str, Any]
NOOP = "kapp.k14s.io/noop"
EXISTS = "kapp.k14s.io/exists"

Scope = Callable[[str, str], bool | None]
"""``(apiVersion, kind) -> namespaced``; None if nobody knows the kind."""


@dataclass(frozen=True, slots=True)
class Placement:
    """``default``: for namespaced resources that name no namespace; ``into``: all go there; ``mapping``: renamed."""

    default: str
    into: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)

    def namespace(self, given: str) -> str:
        return self.into or self.mapping.get(given or self.default, given or self.default)


def unpacked(documents: Sequence[Any], origins: Sequence[str] = ()) -> list[tuple[Object, str]]:
    """Objects with where they came from; the items of Lists one by one."""
    found: list[tuple[Object, str]] = []
    for index, document in enumerate(documents):
        origin = origins[index] if index < len(origins) else f"stdin doc {index + 1}"
        if not isinstance(document, dict):
            raise InputError(f"Expected a resource to be a map, but was {document!r:.80} ({origin})")
        items = document.get("items")
        if document.get("kind", "").endswith("List") and isinstance(items, list):
            found += unpacked(items, [origin] * len(items))
        else:
            found.append((document, origin))
    return found


def is_config(obj: Mapping[str, Any]) -> bool:
    """Meant for kapp itself, never for the cluster."""
    return str(obj.get("apiVersion")).startswith("kapp.k14s.io/") and obj.get("kind") == "Config"


def check(resources: Sequence[tuple[Object, str]]) -> None:
    """Raises InputError that lists every resource without apiVersion, kind or name."""
    problems = []
    for obj, origin in resources:
        resource = Resource(obj)
        shown = f"{resource.kind.lower()}/{resource.name} ({resource.api_version}) " + (
            f"namespace: {resource.namespace}" if resource.namespace else "cluster"
        )
        missing = [
            name
            for name, value in (
                ("apiVersion", resource.api_version),
                ("kind", resource.kind),
                ("metadata.name", resource.name or resource.metadata.get("generateName")),
            )
            if not value
        ]
        problems += [
            f"- Expected '{name}' on resource '{shown}' to be non-empty ({origin})" for name in missing
        ]
    if problems:
        raise InputError("\n".join(["Validation errors:", *problems]))


def crd_scopes(resources: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], bool]:
    """(apiVersion, kind) → namespaced, for the kinds that given CRDs define."""
    found = {}
    for resource in map(Resource, resources):
        if not resource.is_a("apiextensions.k8s.io", "CustomResourceDefinition"):
            continue
        group, kind = resource.at(("spec", "group"), ""), resource.at(("spec", "names", "kind"), "")
        versions = [v.get("name") for v in resource.at(("spec", "versions")) or ()]
        for version in [*versions, resource.at(("spec", "version"))]:
            if version:
                found[f"{group}/{version}", kind] = resource.at(("spec", "scope")) == "Namespaced"
    return found


def placed(resources: Sequence[Object], placement: Placement, scope: Scope) -> list[Object]:
    """Namespaced resources in their namespace, others in none. Raises InputError for a kind nobody knows."""
    return [_placed(obj, placement, scope) for obj in resources]


def _placed(obj: Object, placement: Placement, scope: Scope) -> Object:
    resource = Resource(obj)
    namespaced = scope(resource.api_version, resource.kind)
    if namespaced is None:
        raise InputError(
            f"Expected to find kind '{resource.api_version}/{resource.kind}', but did not:\n"
            "- Kubernetes API server did not have matching apiVersion + kind\n"
            "- No matching CRD was found in given configuration"
        )
    namespace = placement.namespace(resource.namespace) if namespaced else ""
    if namespace == resource.namespace:
        return obj
    metadata = {key: value for key, value in resource.metadata.items() if key != "namespace"}
    return {**obj, "metadata": {**metadata, "namespace": namespace} if namespace else metadata}


def unique(resources: Sequence[Object]) -> list[Object]:
    """Equal duplicates once. Raises InputError for duplicates that differ."""
    found: dict[Key, Object] = {}
    several: list[str] = []
    result = []
    for obj in resources:
        resource = Resource(obj)
        key = key_of(resource)
        if not resource.name:
            result.append(obj)
        elif key not in found:
            found[key] = obj
            result.append(obj)
        elif not same(found[key], obj):
            text = f"- Found resource '{resource}' multiple times with different content"
            if text not in several:
                several.append(text)
    if several:
        raise InputError("\n".join(["Uniqueness errors:", *several]))
    return result


def with_nonce(obj: Object, nonce: str) -> Object:
    """An empty nonce annotation is filled, so that every deploy is an update."""
    annotations = Resource(obj).annotations
    if NONCE not in annotations:
        return obj
    return {**obj, "metadata": {**obj["metadata"], "annotations": {**annotations, NONCE: nonce}}}


def is_deletable(resource: Resource) -> bool:
    """Not marked as somebody else's business."""
    return NOOP not in resource.annotations
