"""Inspect: what an app consists of, and how each part is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lapstrake.errors import InputError
from lapstrake.kapp import report, waits
from lapstrake.kapp.labels import ASSOCIATION_LABEL, is_own, without_records
from lapstrake.kube.resource import Resource
from lapstrake.operations import app_records, app_resources
from lapstrake.operations.delete_app import resources_of
from lapstrake.operations.kapp_run import Cluster, Filters, Object
from lapstrake.operations.resource_filter import accepts


@dataclass(frozen=True, slots=True)
class InspectOptions:
    """``app`` may be ``label:SELECTOR``."""

    app: str
    app_namespace: str
    filters: Filters = field(default_factory=Filters)
    tree: bool = False


@dataclass(frozen=True, slots=True)
class Inspected:
    """One resource; ``depth`` counts its owners among the others."""

    resource: Resource
    own: bool
    state: waits.Progress
    depth: int = 0

    @property
    def owner(self) -> str:
        return "kapp" if self.own else "cluster"

    @property
    def shown_name(self) -> str:
        if not self.depth:
            return self.resource.name
        return f" L{'..' * (self.depth - 1)} {self.resource.name}"


def inspect_app(cluster: Cluster, options: InspectOptions, now: float) -> list[Inspected]:
    """Ordered by namespace, name, kind; as a tree: owners before what they own.

    Raises InputError if there is no such app.
    """
    found = [
        Inspected(resource, is_own(resource), waits.reconciled(resource))
        for resource in map(Resource, _objects(cluster, options))
        if accepts(options.filters, resource, now)
    ]
    found.sort(key=lambda one: report.by_place(one.resource))
    return _as_tree(found) if options.tree else found


def _objects(cluster: Cluster, options: InspectOptions) -> list[Object]:
    if options.app.startswith("label:"):
        types = app_resources.listable(cluster.resource_types(refresh=True))
        selector = options.app.removeprefix("label:")
        return app_resources.labeled(cluster, types, selector, [options.app_namespace])
    app = app_records.find(cluster, options.app_namespace, options.app)
    if app is None:
        raise app_records.missing(options.app_namespace, options.app)
    return resources_of(cluster, app)


def _as_tree(found: Sequence[Inspected]) -> list[Inspected]:
    by_uid = {one.resource.uid: one for one in found}
    by_association = {_association(one): one.resource.uid for one in found if one.own}
    below: dict[str, list[Inspected]] = {}
    roots = []
    for one in found:
        parents = [owner.uid for owner in one.resource.owners if owner.uid in by_uid]
        if not parents and not one.own and _association(one) in by_association:
            parents = [by_association[_association(one)]]  # claims of a StatefulSet have no owner
        if parents:
            below.setdefault(parents[0], []).append(one)
        else:
            roots.append(one)
    ordered: list[Inspected] = []

    def add(one: Inspected, depth: int) -> None:
        if depth > len(found):
            raise InputError(f"Owners of {one.resource} form a circle")
        ordered.append(Inspected(one.resource, one.own, one.state, depth))
        for child in below.get(one.resource.uid, ()):
            add(child, depth + 1)

    for root in roots:
        add(root, 0)
    return ordered


def _association(one: Inspected) -> str:
    return one.resource.labels.get(ASSOCIATION_LABEL, "")


def raw(one: Inspected, *, managed_fields: bool) -> Object:
    """The object as the cluster has it, without kapp's records."""
    obj = without_records(one.resource.body)
    if managed_fields:
        return obj
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}
