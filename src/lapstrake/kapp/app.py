"""What kapp keeps of an app in the cluster: a ConfigMap for the app and one for each change.

Source: recorded objects; key order and omissions of the JSON in ``data.spec`` are kept, so that the original kapp
reads our records and we read its.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lapstrake.errors import InputError
from lapstrake.kapp.labels import APP_LABEL
from lapstrake.kube.resource import Resource

IS_APP = "kapp.k14s.io/is-app"
IS_CHANGE = "kapp.k14s.io/is-app-change"
_CHANGE_OF = "kapp.k14s.io/app-change-app"
_CHANGE_OF_LABEL = "kapp.k14s.io/app-change-app-label"
_NEVER = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Change:
    """One run: times are RFC 3339 with nanoseconds; ``successful`` is None while it goes on."""

    started_at: str = _NEVER
    finished_at: str = _NEVER
    successful: bool | None = None
    description: str = ""
    namespaces: tuple[str, ...] = ()

    @property
    def happened(self) -> bool:
        return self.started_at != _NEVER

    def as_json(self) -> dict[str, Any]:
        spec: dict[str, Any] = {"startedAt": self.started_at, "finishedAt": self.finished_at}
        if self.successful is not None:
            spec["successful"] = self.successful
        if self.description:
            spec["description"] = self.description
        if self.namespaces:
            spec["namespaces"] = list(self.namespaces)
        return spec

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Change:
        return cls(
            str(spec.get("startedAt") or _NEVER),
            str(spec.get("finishedAt") or _NEVER),
            spec.get("successful"),
            str(spec.get("description") or ""),
            tuple(spec.get("namespaces") or ()),
        )

    def finished(self, at: str, *, successful: bool) -> Change:
        return replace(self, finished_at=at, successful=successful)


@dataclass(frozen=True, slots=True)
class App:
    """The record of an app. ``group_kinds`` None: written by a kapp that did not keep them."""

    name: str
    namespace: str
    label_value: str
    last_change_name: str = ""
    last_change: Change = field(default_factory=Change)
    group_versions: tuple[tuple[str, str], ...] = ()
    group_kinds: tuple[tuple[str, str], ...] | None = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def selector(self) -> str:
        return f"{APP_LABEL}={self.label_value}"

    def spec_text(self) -> str:
        spec: dict[str, Any] = {"labelKey": APP_LABEL, "labelValue": self.label_value}
        if self.last_change_name:
            spec["lastChangeName"] = self.last_change_name
        spec["lastChange"] = self.last_change.as_json()
        if self.group_versions:
            spec["usedGVs"] = [{"Group": group, "Version": version} for group, version in self.group_versions]
        spec["usedGKs"] = (
            None
            if self.group_kinds is None
            else [{"Group": group, "Kind": kind} for group, kind in self.group_kinds]
        )
        return _compact(spec)

    def config_map(self) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self.name,
                "namespace": self.namespace,
                "labels": {**self.labels, IS_APP: ""},
                "annotations": {"kapp.k14s.io/app-changes-use-app-label": ""},
            },
            "data": {"spec": self.spec_text()},
        }

    def change_config_map(self, change: Change) -> dict[str, Any]:
        """To be created: the server completes the name."""
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "generateName": f"{self.name}-change-",
                "namespace": self.namespace,
                "labels": {IS_CHANGE: "", _CHANGE_OF: self.name, _CHANGE_OF_LABEL: self.label_value},
            },
            "data": {"spec": _compact(change.as_json())},
        }

    def changes_selector(self) -> str:
        return f"{IS_CHANGE}=,{_CHANGE_OF_LABEL}={self.label_value}"


def app_of(config_map: Mapping[str, Any]) -> App:
    """Read a record. Raises InputError if the ConfigMap is not one."""
    resource = Resource(config_map)
    try:
        spec = json.loads(resource.at(("data", "spec")))
        kinds = spec.get("usedGKs")
        return App(
            resource.name,
            resource.namespace,
            str(spec["labelValue"]),
            str(spec.get("lastChangeName") or ""),
            Change.of(spec.get("lastChange") or {}),
            tuple((entry["Group"], entry["Version"]) for entry in spec.get("usedGVs") or ()),
            None if kinds is None else tuple((entry["Group"], entry["Kind"]) for entry in kinds),
            {key: value for key, value in resource.labels.items() if key != IS_APP},
        )
    except (TypeError, ValueError, KeyError) as err:
        raise InputError(
            f"App '{resource.name}' (namespace: {resource.namespace}) did not contain parseable app metadata"
        ) from err


def change_of(config_map: Mapping[str, Any]) -> Change:
    try:
        return Change.of(json.loads(Resource(config_map).at(("data", "spec"))))
    except (TypeError, ValueError, AttributeError):
        return Change()


def change_text(change: Change) -> str:
    return _compact(change.as_json())


def used_group_versions(resources: Iterable[Resource]) -> tuple[tuple[str, str], ...]:
    """Ordered by their text: ``apps/v1`` before ``v1``."""
    texts = sorted({resource.api_version for resource in resources})
    return tuple((text.rpartition("/")[0], text.rpartition("/")[2]) for text in texts)


def used_group_kinds(resources: Iterable[Resource]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({(resource.group, resource.kind) for resource in resources}))


def used_namespaces(resources: Iterable[Resource]) -> tuple[str, ...]:
    return tuple(sorted({resource.namespace or "(cluster)" for resource in resources}))


def timestamp(nanoseconds: int) -> str:
    """UTC, as Go writes it: nanoseconds without their final zeros."""
    import time

    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + fraction + "Z"


def seconds_of(stamp: str) -> float | None:
    """Seconds since 1970 of an RFC 3339 time, None if it is none."""
    import calendar

    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?Z", stamp or "")
    if match is None:
        return None
    parts = [int(match[i]) for i in range(1, 7)]
    return calendar.timegm((*parts, 0, 0, 0)) + float(match[7] or 0)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
