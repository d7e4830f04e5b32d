"""Values for templates out of the App itself: ``valuesFrom[].downwardAPI``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lapstrake.errors import InputError

Object = Mapping[str, Any]

_PATH = re.compile(r"metadata\.(name|namespace|uid|labels|annotations)(?:\['([^']*)'\])?\Z")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an item may ask besides the App; asked only when an item needs it.

    Versions are without ``v``; ``group_versions`` are those the cluster serves (``v1``, ``apps/v1``).
    """

    kubernetes_version: Callable[[], str]
    controller_version: str
    group_versions: Callable[[], Sequence[str]]


def values(app: Object, items: Sequence[Object], surroundings: Surroundings) -> dict[str, Any]:
    """The values of ``items``; a name with dots builds nested maps. Raises InputError for a bad path."""
    result: dict[str, Any] = {}
    for item in items:
        _put(result, str(item.get("name", "")), _value(app, item, surroundings))
    return result


def _value(app: Object, item: Object, surroundings: Surroundings) -> Any:
    if item.get("fieldPath"):
        return _field(app, item["fieldPath"])
    if item.get("kubernetesVersion") is not None:
        return item["kubernetesVersion"].get("version") or surroundings.kubernetes_version()
    if item.get("kappControllerVersion") is not None:
        return item["kappControllerVersion"].get("version") or surroundings.controller_version
    if item.get("kubernetesAPIs") is not None:
        return list(item["kubernetesAPIs"].get("groupVersions") or surroundings.group_versions())
    raise InputError(f"Invalid downward API item given for name '{item.get('name', '')}'")


def _field(app: Object, path: str) -> Any:
    match = _PATH.match(path)
    if match is None:
        raise InputError(f"{path.split('.')[0]} is not found")
    field, key = match.groups()
    found = app["metadata"].get(field)
    if field not in ("labels", "annotations"):
        if key is not None:
            raise InputError(f"{key} is not found")
        return found
    if key is None:
        return dict(found or {})
    if key not in (found or {}):
        raise InputError(f"{key} is not found")
    return found[key]


def _put(into: dict[str, Any], name: str, value: Any) -> None:
    *parents, last = name.split(".")
    for parent in parents:
        nested = into.setdefault(parent, {})
        if not isinstance(nested, dict):
            raise InputError(f"Expected '{parent}' of downward API item '{name}' to hold further values")
        into = nested
    into[last] = value
