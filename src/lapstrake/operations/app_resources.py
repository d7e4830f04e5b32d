"""The resources of an app in the cluster: by label, and one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from lapstrake.errors import ClusterError, LapstrakeError, NotFoundError
from lapstrake.kube.resource import Resource
from lapstrake.kube.types import ResourceType
from lapstrake.operations.kapp_run import Cluster, Object, server_says

_CONCURRENCY = 8
_FORBIDDEN, _GONE = 403, (404, 405, 410, 503)
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_parallel(
    work: Callable[[_Item], _Result], items: Sequence[_Item], concurrency: int = _CONCURRENCY
) -> list[_Result]:
    """The results in the order of ``items``; the first error is raised when all have ended."""
    if len(items) < 2 or concurrency < 2:
        return [work(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor  # not needed by the small commands

    with ThreadPoolExecutor(min(concurrency, len(items))) as pool:
        return list(pool.map(work, items))


def listable(types: Iterable[ResourceType], only: set[tuple[str, str]] | None = None) -> list[ResourceType]:
    """One type for each group and kind that can be listed: the server's preferred version first.

    ``only``: nothing but these groups and kinds.
    """
    found: dict[tuple[str, str], ResourceType] = {}
    for rt in types:
        name = (rt.group, rt.kind)
        if (not rt.verbs or "list" in rt.verbs) and (only is None or name in only):
            found.setdefault(name, rt)
    return list(found.values())


def labeled(
    cluster: Cluster, types: Sequence[ResourceType], selector: str, fallback_namespaces: Sequence[str] = ()
) -> list[Object]:
    """All objects of these types with the label. Where we may not look everywhere, in the namespaces given.

    An object that several groups show is returned once.
    """

    def look(rt: ResourceType) -> list[Object]:
        try:
            return cluster.list(rt, None, selector).items
        except ClusterError as err:
            if err.status in _GONE or _is_conversion_failure(err):
                return []
            if err.status != _FORBIDDEN:
                raise
            return _in_namespaces(cluster, rt, selector, fallback_namespaces) if rt.namespaced else []

    found: dict[str, Object] = {}
    for items in in_parallel(look, types):
        for item in items:
            found.setdefault(Resource(item).uid or str(id(item)), item)
    return list(found.values())


def _in_namespaces(
    cluster: Cluster, rt: ResourceType, selector: str, namespaces: Sequence[str]
) -> list[Object]:
    found = []
    for namespace in namespaces:
        try:
            found += cluster.list(rt, namespace, selector).items
        except ClusterError as err:
            if err.status not in (_FORBIDDEN, *_GONE):
                raise
    return found


def _is_conversion_failure(err: ClusterError) -> bool:
    """A version whose conversion webhook does not work cannot be listed; kapp passes over it."""
    return err.status == 500 and "conversion webhook" in str(err)


def known_types(cluster: Cluster, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], ResourceType]:
    """The types of these (apiVersion, kind) that the server has; it is asked anew at most once."""
    names = set(wanted)
    for refresh in (False, True):
        found = {(rt.api_version, rt.kind): rt for rt in reversed(cluster.resource_types(refresh))}
        if names <= found.keys():
            break
    return {name: found[name] for name in names if name in found}


def fetched(
    cluster: Cluster, resources: Sequence[Resource], types: Mapping[tuple[str, str], ResourceType]
) -> list[Object]:
    """Those of ``resources`` that the cluster has already. Kinds that ``types`` does not know are not there."""

    def look(resource: Resource) -> Object | None:
        try:
            rt = types[resource.api_version, resource.kind]
            return cluster.get(rt, resource.namespace or None, resource.name)
        except NotFoundError:
            return None
        except ClusterError as err:
            raise LapstrakeError(f"Checking existence of resource {resource}: {server_says(err)}") from err

    served = [resource for resource in resources if (resource.api_version, resource.kind) in types]
    return [found for found in in_parallel(look, served) if found is not None]
