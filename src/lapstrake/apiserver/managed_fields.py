"""Who owns which fields: the entries of ``metadata.managedFields`` and what a write does to them.

Everything that is not server-side apply counts as an Update here; apply.py has the other half.
Rules: facts/kube-api.md section 3, recorded in vectors/kube/apply-server and vectors/kube/apply-client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lapstrake.apiserver import field_sets
from lapstrake.apiserver.field_sets import Fields, Path
from lapstrake.apiserver.schema import Schema

_MOST_UPDATERS = 10
_ANCIENT = "ancient-changes"


@dataclass(frozen=True, slots=True)
class Entry:
    """The fields of one manager; ``operation`` is Apply or Update, ``time`` may be empty."""

    manager: str
    operation: str
    api_version: str
    fields: Fields
    time: str = ""
    subresource: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.manager, self.operation, self.api_version, self.subresource)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, through which version and subresource, and when (RFC 3339)."""

    manager: str
    api_version: str
    now: str
    subresource: str = ""


def read(obj: Mapping[str, Any]) -> list[Entry]:
    """The entries of an object; what cannot be read is left out."""
    listed = (obj.get("metadata") or {}).get("managedFields") or ()
    return [
        _entry(written) for written in listed if isinstance(written, Mapping) and written.get("operation")
    ]


def _entry(written: Mapping[str, Any]) -> Entry:
    fields = written.get("fieldsV1")
    return Entry(
        manager=written.get("manager", ""),
        operation=written["operation"],
        api_version=written.get("apiVersion", ""),
        fields=field_sets.decode(fields) if isinstance(fields, Mapping) else frozenset(),
        time=written.get("time") or "",
        subresource=written.get("subresource", ""),
    )


def written(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """``managedFields``: Apply before Update, then by time (none first) and by manager."""
    ordered = sorted(
        (entry for entry in entries if entry.fields),
        key=lambda entry: (entry.operation, entry.time, entry.manager, entry.api_version, entry.subresource),
    )
    return [_written(entry) for entry in ordered]


def _written(entry: Entry) -> dict[str, Any]:
    listed: dict[str, Any] = {
        "manager": entry.manager,
        "operation": entry.operation,
        "apiVersion": entry.api_version,
    }
    if entry.time:
        listed["time"] = entry.time
    listed |= {"fieldsType": "FieldsV1", "fieldsV1": field_sets.encode(entry.fields)}
    if entry.subresource:
        listed["subresource"] = entry.subresource
    return listed


def after_create(
    schema: Schema, new: Mapping[str, Any], blank: Mapping[str, Any], writer: Writer, *, has_status: bool
) -> list[dict[str, Any]]:
    """The ``managedFields`` of an object that is created: all of it is new, except what a blank one has.

    ``blank`` is an empty object of the kind (see :func:`blank_object`); a status is not the creator's if the
    kind writes it through a subresource.
    """
    difference = field_sets.compare(schema, dict(blank), field_sets.ownable(new))
    fields = _created(difference.added | difference.modified, has_status=has_status)
    return written([Entry(writer.manager, "Update", writer.api_version, fields, writer.now)])


def _created(fields: set[Path], *, has_status: bool) -> Fields:
    dropped = {("f:metadata",)}
    return frozenset(
        path for path in fields if path not in dropped and not (has_status and path[0] == "f:status")
    )


def after_update(
    schema: Schema, live: Mapping[str, Any], new: Mapping[str, Any], writer: Writer
) -> list[dict[str, Any]]:
    """The ``managedFields`` after ``live`` became ``new`` by anything but server-side apply.

    ``new`` may carry managedFields of its own, which then replace those of ``live`` first: one empty entry
    clears them. Objects without owners stay without until somebody applies.
    """
    entries = _base(live, new, writer)
    if not entries:
        return []
    difference = field_sets.compare(schema, field_sets.ownable(live), field_sets.ownable(new))
    if difference.same:
        return written(entries)
    lost = difference.modified | difference.removed
    entries = [replace(entry, fields=entry.fields - lost) for entry in entries]
    gained = frozenset(difference.added | difference.modified) - {("f:metadata",)}
    if gained:
        entries = _with_gained(entries, gained, writer)
    return written(_capped(entries))


def _base(live: Mapping[str, Any], new: Mapping[str, Any], writer: Writer) -> list[Entry]:
    sent = (new.get("metadata") or {}).get("managedFields")
    if not sent or writer.subresource:
        return read(live)
    if len(sent) == 1 and not any(sent[0].values()):
        return []
    return read(new)


def _with_gained(entries: list[Entry], gained: Fields, writer: Writer) -> list[Entry]:
    mine = Entry(writer.manager, "Update", writer.api_version, gained, writer.now, writer.subresource)
    before = next((entry for entry in entries if entry.key == mine.key), None)
    if before is not None:
        mine = replace(mine, fields=gained | before.fields)
    return [entry for entry in entries if entry.key != mine.key] + [mine]


def _capped(entries: list[Entry]) -> list[Entry]:
    """Too many updaters: the oldest ones become one entry."""
    updaters = [entry for entry in entries if entry.operation == "Update" and entry.fields]
    excess = len(updaters) - _MOST_UPDATERS
    if excess <= 0:
        return entries
    oldest = sorted(updaters, key=lambda entry: (entry.time, entry.manager))[: excess + 1]
    merged = replace(oldest[-1], manager=_ANCIENT, fields=frozenset().union(*(old.fields for old in oldest)))
    gone = {entry.key for entry in oldest}
    return [entry for entry in entries if entry.key not in gone] + [merged]


_TEMPLATE: Mapping[str, Any] = {"metadata": {}, "spec": {"containers": None}}

_BLANK_SPECS: Mapping[str, Mapping[str, Any]] = {
    "core.v1.Pod": {"containers": None},
    "core.v1.PersistentVolumeClaim": {"resources": {}},
    "apps.v1.Deployment": {"template": _TEMPLATE, "strategy": {}},
    "apps.v1.ReplicaSet": {"template": _TEMPLATE},
    "apps.v1.DaemonSet": {"template": _TEMPLATE, "updateStrategy": {}},
    "apps.v1.StatefulSet": {"template": _TEMPLATE, "updateStrategy": {}},
    "batch.v1.Job": {"template": _TEMPLATE},
    "batch.v1.CronJob": {"jobTemplate": {"metadata": {}, "spec": {"template": _TEMPLATE}}},
    "apiextensions.v1.CustomResourceDefinition": {"names": {}},
    "networking.v1.NetworkPolicy": {"podSelector": {}},
}


def blank_object(definition: str) -> dict[str, Any]:
    """What an empty object of a built-in kind already has; custom resources (no definition) have nothing."""
    if not definition:
        return {"metadata": {}}
    return {"metadata": {}, "spec": dict(_BLANK_SPECS.get(definition, {})), "status": {"loadBalancer": {}}}
