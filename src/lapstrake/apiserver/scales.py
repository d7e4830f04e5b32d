"""The ``scale`` subresource: the number of replicas of any kind, read and written in one form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lapstrake.apiserver import status
from lapstrake.apiserver.resources import Scale, Served
from lapstrake.apiserver.store import Stored


def scale_of(served: Served, item: Stored) -> dict[str, Any]:
    """The Scale object of ``item``."""
    assert served.scale is not None
    obj = item.object
    meta = obj["metadata"]
    shown = {
        name: meta[name]
        for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        if name in meta
    }
    found: dict[str, Any] = {"replicas": _at(obj, served.scale.status_replicas) or 0}
    selector = _selector(served, obj)
    if selector:
        found["selector"] = selector
    wanted = _at(obj, served.scale.spec_replicas)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": shown,
        "spec": {"replicas": wanted} if wanted else {},
        "status": found,
    }


def rescaled(served: Served, item: Stored, scale: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the object with the replicas of ``scale``. Raises the refusal of bad numbers."""
    assert served.scale is not None
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    name = item.object["metadata"]["name"]
    if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 0:
        text = f"Invalid value: {replicas}: must be greater than or equal to 0"
        raise status.invalid(
            "Scale", "autoscaling", name, [status.cause("FieldValueInvalid", "spec.replicas", text)]
        )
    obj = item.copy()
    version = (scale.get("metadata") or {}).get("resourceVersion")
    if version:
        obj["metadata"]["resourceVersion"] = version
    _put(obj, served.scale, replicas)
    return obj


def _selector(served: Served, obj: Mapping[str, Any]) -> str:
    assert served.scale is not None
    if served.custom:
        return str(_at(obj, served.scale.selector) or "") if served.scale.selector else ""
    selector = _at(obj, "spec.selector") or {}
    labels = selector.get("matchLabels", selector) if isinstance(selector, Mapping) else {}
    terms = [f"{key}={value}" for key, value in sorted(labels.items()) if isinstance(value, str)]
    for term in selector.get("matchExpressions") or ():
        terms.append(_expression(term))
    return ",".join(terms)


def _expression(term: Mapping[str, Any]) -> str:
    key, operator = term["key"], term["operator"]
    if operator == "Exists":
        return str(key)
    if operator == "DoesNotExist":
        return f"!{key}"
    return f"{key} {operator.lower()} ({','.join(sorted(term.get('values') or []))})"


def _at(obj: Any, path: str) -> Any:
    for step in path.split("."):
        obj = obj.get(step) if isinstance(obj, Mapping) else None
    return obj


def _put(obj: dict[str, Any], scale: Scale, replicas: int) -> None:
    *steps, last = scale.spec_replicas.split(".")
    for step in steps:
        obj = obj.setdefault(step, {})
    obj[last] = replicas
