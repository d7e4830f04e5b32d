"""What the server itself writes into an object's metadata."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from lapstrake.apiserver.resources import Served
from lapstrake.apiserver.store import Collection
from lapstrake.apiserver.times import rfc3339

_SUFFIX_SIGNS = "bcdfghjklmnpqrstvwxz2456789"
_LONGEST_GENERATED_BASE = 58

_COUNTED = frozenset(
    {
        "customresourcedefinitions",
        "cronjobs",
        "daemonsets",
        "deployments",
        "endpointslices",
        "flowschemas",
        "ingressclasses",
        "ingresses",
        "jobs",
        "mutatingwebhookconfigurations",
        "networkpolicies",
        "poddisruptionbudgets",
        "pods",
        "priorityclasses",
        "prioritylevelconfigurations",
        "replicasets",
        "replicationcontrollers",
        "statefulsets",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "validatingwebhookconfigurations",
    }
)
"""The built-in resources that have a generation."""

_DEPLOYMENTS = Collection("apps", "deployments")
_SYSTEM_FIELDS = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


def generated_name(base: str, choose: Callable[[str], str] = random.choice) -> str:
    """``base`` with five random signs behind it."""
    return base[:_LONGEST_GENERATED_BASE] + "".join(choose(_SUFFIX_SIGNS) for _ in range(5))


def has_generation(served: Served) -> bool:
    return served.custom or served.rt.plural in _COUNTED


def stamp(served: Served, obj: dict[str, Any], now: datetime) -> None:
    """Make the metadata that of a new object, in place."""
    metadata = obj["metadata"]
    for name in (*_SYSTEM_FIELDS, "selfLink", "resourceVersion"):
        metadata.pop(name, None)
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = rfc3339(now)
    if has_generation(served):
        metadata["generation"] = 1


def keep_system_fields(new: dict[str, Any], live: Mapping[str, Any]) -> None:
    """Undo, in place, what a client did to fields that only the server writes."""
    metadata, lived = new["metadata"], live["metadata"]
    metadata.pop("selfLink", None)
    for name in _SYSTEM_FIELDS:
        if name in lived:
            metadata[name] = lived[name]
        else:
            metadata.pop(name, None)
    if "managedFields" not in metadata and "managedFields" in lived:
        metadata["managedFields"] = lived["managedFields"]


def bump_generation(
    served: Served, new: dict[str, Any], live: Mapping[str, Any], subresource: str = ""
) -> None:
    """Count one more change of what is wanted, in place: not of metadata, nor of status.

    A Deployment's annotations are wanted too, as on a real server; a write of its status may bring them uncounted.
    """
    if not has_generation(served):
        return
    changed = _wanted(served, new) != _wanted(served, live)
    if served.collection == _DEPLOYMENTS and subresource != "status":
        changed = changed or new["metadata"].get("annotations") != live["metadata"].get("annotations")
    if changed:
        new["metadata"]["generation"] = live["metadata"].get("generation", 0) + 1


def _wanted(served: Served, obj: Mapping[str, Any]) -> object:
    if not served.custom and "spec" in obj:
        return obj["spec"]
    without = {"metadata", "apiVersion", "kind"}
    if served.status or not served.custom:
        without.add("status")
    return {name: value for name, value in obj.items() if name not in without}
