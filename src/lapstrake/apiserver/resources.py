"""What the server serves at this moment: built-in kinds, custom ones, and views of other kinds' storage."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lapstrake.apiserver.builtin import BuiltinType, Subresource, definition_schema
from lapstrake.apiserver.schema import Schema
from lapstrake.apiserver.store import Collection, Key
from lapstrake.kube.types import ResourceType

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")


@dataclass(frozen=True, slots=True)
class Scale:
    """Dotted paths below the object; an empty ``selector`` means that there is none."""

    spec_replicas: str = "spec.replicas"
    status_replicas: str = "status.replicas"
    selector: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A kind that is stored as another one.

    Objects of ``fallback_namespace`` show in every namespace, as if they lived there, unless an object of that
    namespace has their name or the namespace carries the annotation ``exclude_annotation``.
    ``stored_name`` gives the name under which an object is stored, ``shown_name`` the way back.
    ``validate(object) -> causes`` is asked on every write. ``selectable_fields`` and the ``jsonPath`` of
    ``columns`` (as additionalPrinterColumns of a CRD) are dotted paths; a column named in ``cells`` is computed.
    """

    rt: ResourceType
    storage: ResourceType
    schema: Schema | None = None
    columns: Sequence[Mapping[str, Any]] = ()
    fallback_namespace: str = ""
    exclude_annotation: str = ""
    stored_name: Callable[[str], str] = str
    shown_name: Callable[[str], str] = str
    validate: Callable[[Mapping[str, Any]], Sequence[Mapping[str, str]]] | None = None
    selectable_fields: tuple[str, ...] = ()
    cells: Mapping[str, Callable[[Mapping[str, Any]], Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Served:
    """One resource in one version. ``columns`` None: the built-in ones of its kind.

    Built-in kinds have a ``definition`` in the catalogue, custom ones a ``custom_schema``.
    """

    rt: ResourceType
    collection: Collection
    definition: str = ""
    custom_schema: Schema | None = None
    status: bool = False
    scale: Scale | None = None
    subresources: tuple[Subresource, ...] = ()
    columns: tuple[Mapping[str, Any], ...] | None = None
    custom: bool = False
    list_kind: str = ""
    openapi: Mapping[str, Any] | None = None
    selectable_fields: tuple[str, ...] = ()
    deprecation: str = ""
    terminating: bool = False
    view: View | None = None

    @property
    def schema(self) -> Schema | None:
        return definition_schema(self.definition) if self.definition else self.custom_schema

    @property
    def prefix(self) -> bytes:
        """The beginning of an object's JSON, up to what :class:`store.Stored` keeps as ``body``."""
        return f'{{"kind":"{self.rt.kind}","apiVersion":"{self.rt.api_version}",'.encode()

    @property
    def list_name(self) -> str:
        return self.list_kind or f"{self.rt.kind}List"

    def key(self, namespace: str, name: str) -> Key:
        """Where the object that this resource shows under ``name`` is stored."""
        stored_name = name if self.view is None else self.view.stored_name(name)
        return Key(self.collection, namespace, stored_name)

    def subresource(self, name: str) -> Subresource | None:
        return next((found for found in self.subresources if found.name == name), None)


_STORED_AS = {("events.k8s.io", "events"): Collection("", "events")}
"""Resources of two groups with one storage."""


_DEPRECATED = {
    ("", "endpoints"): "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    ("", "componentstatuses"): "v1 ComponentStatus is deprecated in v1.19+",
}


def served_builtin(builtin: BuiltinType) -> Served:
    """The registry's entry for a built-in resource."""
    rt = builtin.type
    return Served(
        rt=rt,
        collection=_STORED_AS.get((rt.group, rt.plural), Collection(rt.group, rt.plural)),
        definition=builtin.definition,
        status=builtin.has_status,
        scale=Scale() if any(sub.name == "scale" for sub in builtin.subresources) else None,
        subresources=builtin.subresources,
        deprecation=_DEPRECATED.get((rt.group, rt.plural), ""),
    )


def served_view(view: View) -> Served:
    """The registry's entry for a view."""
    return Served(
        rt=_with_verbs(view.rt, VERBS),
        collection=Collection(view.storage.group, view.storage.plural),
        custom_schema=view.schema,
        columns=tuple(view.columns),
        custom=True,
        selectable_fields=view.selectable_fields,
        view=view,
    )


def _with_verbs(rt: ResourceType, verbs: tuple[str, ...]) -> ResourceType:
    if rt.verbs:
        return rt
    return ResourceType(
        rt.group,
        rt.version,
        rt.kind,
        rt.plural,
        rt.namespaced,
        rt.singular or rt.kind.lower(),
        rt.short_names,
        rt.categories,
        verbs,
    )


@dataclass(frozen=True, slots=True)
class Group:
    """One API group; versions in order of preference."""

    name: str
    versions: tuple[str, ...]


_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")


def version_order(version: str) -> tuple[int, int, int, str]:
    """Sorts versions from the most to the least preferred: v2, v1, v1beta1, v1alpha1, others by name."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return (3, 0, 0, version)
    major, stage, minor = match.groups()
    return ({None: 0, "beta": 1, "alpha": 2}[stage], -int(major), -int(minor or 0), version)


class Registry:
    """Finds the resource that a request means. Changes while custom resource definitions come and go."""

    def __init__(self, builtins: Sequence[Served] = (), views: Sequence[View] = ()) -> None:
        self._lock = threading.Lock()
        self._fixed = (*builtins, *map(served_view, views))
        self._first_groups = tuple(dict.fromkeys(served.rt.group for served in builtins))
        self._custom: dict[str, tuple[Served, ...]] = {}
        self._edition = 0
        self._rebuild()

    @property
    def edition(self) -> int:
        """Grows with every change, for caches of what is made from the registry."""
        return self._edition

    def find(self, group: str, version: str, plural: str) -> Served | None:
        return self._by_path.get((group, version, plural))

    def of_kind(self, api_version: str, kind: str) -> Served | None:
        return self._by_kind.get((api_version, kind))

    def of_collection(self, collection: Collection) -> Served | None:
        """The preferred way to see what is stored there; views do not count."""
        return self._by_collection.get(collection)

    def all(self) -> tuple[Served, ...]:
        return self._all

    def groups(self) -> tuple[Group, ...]:
        """In order of preference; the core group, named "", comes first."""
        return self._groups

    def in_group(self, group: str, version: str) -> list[Served]:
        """What one group version serves, by name."""
        return self._by_group.get((group, version), [])

    def set_custom(self, definition: str, served: Sequence[Served]) -> None:
        """Serve these versions for the custom resource definition of that name; none: stop serving it."""
        with self._lock:
            if tuple(served) == self._custom.get(definition, ()):
                return
            if served:
                self._custom[definition] = tuple(served)
            else:
                self._custom.pop(definition, None)
            self._rebuild()

    def _rebuild(self) -> None:
        customs = [served for definition in sorted(self._custom) for served in self._custom[definition]]
        everything = (*self._fixed, *customs)
        by_path = {(item.rt.group, item.rt.version, item.rt.plural): item for item in reversed(everything)}
        by_kind = {(item.rt.api_version, item.rt.kind): item for item in reversed(everything)}
        by_collection: dict[Collection, Served] = {}
        by_group: dict[tuple[str, str], list[Served]] = {}
        for item in everything:
            if item.view is None:
                by_collection.setdefault(item.collection, item)
            by_group.setdefault((item.rt.group, item.rt.version), []).append(item)
        for members in by_group.values():
            members.sort(key=lambda item: item.rt.plural)
        self._all = everything
        self._by_path, self._by_kind = by_path, by_kind
        self._by_collection, self._by_group = by_collection, by_group
        self._groups = self._ordered_groups(everything)
        self._edition += 1

    def _ordered_groups(self, everything: Sequence[Served]) -> tuple[Group, ...]:
        versions: dict[str, dict[str, None]] = {group: {} for group in self._first_groups}
        others: dict[str, dict[str, None]] = {}
        for item in everything:
            place = versions if item.rt.group in versions else others
            place.setdefault(item.rt.group, {})[item.rt.version] = None
        ordered = [*versions.items(), *sorted(others.items())]
        return tuple(Group(name, tuple(sorted(found, key=version_order))) for name, found in ordered)
