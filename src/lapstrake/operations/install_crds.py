"""The kinds that the controller works on, made known to a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from lapstrake.errors import NotFoundError, TimedOutError
from lapstrake.kube.types import ResourceType
from lapstrake.packaging import crds, data_api

Object = Mapping[str, Any]

_DEFINITIONS = ResourceType(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False
)
_NAMESPACES = ResourceType("", "v1", "Namespace", "namespaces", False)
_WAIT = 30.0
_PAUSE = 0.05


class Cluster(Protocol):
    def resource_type(self, api_version: str, kind: str) -> ResourceType: ...
    def get(self, rt: ResourceType, namespace: str | None, name: str) -> dict[str, Any]: ...
    def create(self, rt: ResourceType, obj: Object, namespace: str | None = None) -> dict[str, Any]: ...
    def replace(self, rt: ResourceType, obj: Object) -> dict[str, Any]: ...


def install_crds(
    cluster: Cluster,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Create or update the definitions and the global namespace; returns when all kinds are served.

    A cluster that does not show packages by an API of its own gets definitions for them, too.
    Raises TimedOutError if the server does not accept one within half a minute.
    """
    try:
        cluster.get(_NAMESPACES, None, data_api.GLOBAL_NAMESPACE)
    except NotFoundError:
        namespace = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": data_api.GLOBAL_NAMESPACE},
        }
        cluster.create(_NAMESPACES, namespace)
    definitions = crds.definitions()
    if not _shows_packages(cluster):
        definitions += data_api.definitions()
    for definition in definitions:
        _put(cluster, definition)
    deadline = clock() + _WAIT
    for definition in definitions:
        name = definition["metadata"]["name"]
        while not _established(cluster.get(_DEFINITIONS, None, name)):
            if clock() > deadline:
                raise TimedOutError(f"Expected customresourcedefinition/{name} to become established")
            sleep(_PAUSE)


def _shows_packages(cluster: Cluster) -> bool:
    """Whether the data API is there, other than by definitions of ours."""
    try:
        cluster.get(_DEFINITIONS, None, f"{data_api.PACKAGE.plural}.{data_api.GROUP}")
    except NotFoundError:
        pass
    else:
        return False
    try:
        cluster.resource_type(data_api.API_VERSION, data_api.PACKAGE.kind)
    except NotFoundError:
        return False
    return True


def _put(cluster: Cluster, definition: Object) -> None:
    try:
        present = cluster.get(_DEFINITIONS, None, definition["metadata"]["name"])
    except NotFoundError:
        cluster.create(_DEFINITIONS, definition)
        return
    if _covers(present["spec"], definition["spec"]):
        return
    cluster.replace(_DEFINITIONS, {**present, "spec": definition["spec"]})


def _covers(present: Any, wanted: Any) -> bool:
    """Whether everything wanted is there; a server adds defaults."""
    if isinstance(wanted, Mapping):
        return isinstance(present, Mapping) and all(
            key in present and _covers(present[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(present, list)
            and len(present) == len(wanted)
            and all(_covers(a, b) for a, b in zip(present, wanted, strict=True))
        )
    return bool(present == wanted)


def _established(definition: Object) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Established" and c.get("status") == "True" for c in conditions)
