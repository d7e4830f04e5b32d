"""Kinds that are served in two shapes over one storage: Events, and autoscalers.

All other kinds look the same in all their versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CORE, _EVENTS = "v1", "events.k8s.io/v1"
_EVENT_FIELDS = {
    "involvedObject": "regarding",
    "message": "note",
    "count": "deprecatedCount",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "source": "deprecatedSource",
    "reportingComponent": "reportingController",
}
_CORE_FIELDS = {new: old for old, new in _EVENT_FIELDS.items()}
_TARGET = "targetCPUUtilizationPercentage"


def differs(kind: str, old: str, new: str) -> bool:
    """Whether an object of ``kind`` has another shape in apiVersion ``new`` than in ``old``."""
    if kind == "Event":
        return {old, new} == {_CORE, _EVENTS}
    return kind == "HorizontalPodAutoscaler" and old != new


def converted(obj: Mapping[str, Any], api_version: str) -> dict[str, Any]:
    """The object in the shape of ``api_version``; parts that are not changed are shared."""
    if obj["kind"] == "Event":
        names = _EVENT_FIELDS if api_version == _EVENTS else _CORE_FIELDS
        found = {names.get(name, name): value for name, value in obj.items()}
    else:
        spec = obj.get("spec") or {}
        found = {**obj, "spec": _metrics(spec) if api_version.endswith("/v2") else _percentage(spec)}
    return {**found, "apiVersion": api_version}


def _metrics(spec: Mapping[str, Any]) -> dict[str, Any]:
    target = spec.get(_TARGET)
    kept = {name: value for name, value in spec.items() if name != _TARGET}
    if target is not None:
        wanted = {"type": "Utilization", "averageUtilization": target}
        kept["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": wanted}}]
    return kept


def _percentage(spec: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in spec.items() if name not in ("metrics", "behavior")}
    for metric in spec.get("metrics") or ():
        resource = metric.get("resource") or {}
        target = (resource.get("target") or {}).get("averageUtilization")
        if resource.get("name") == "cpu" and target is not None:
            kept[_TARGET] = target
    return kept
