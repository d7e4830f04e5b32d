"""What the tables of all kinds share: columns, and the texts of cells that have nothing to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lapstrake.apiserver.ages import age

NONE = "<none>"

AGE_TEXT = (
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not "
    "guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It "
    "is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More "
    "info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``wide`` ones show only with ``-o wide``."""

    name: str
    type: str = "string"
    wide: bool = False
    description: str = ""


Cells = Callable[[Mapping[str, Any], datetime], list[Any]]
Printer = tuple[Sequence[Column], Cells]


def columns(text: str) -> tuple[Column, ...]:
    """``Name, Desired:integer, Selector+``: a type behind the colon, ``+`` for wide."""
    found = []
    for part in text.split(", "):
        name, _, kind = part.removesuffix("+").partition(":")
        found.append(Column(name, kind or "string", part.endswith("+")))
    return tuple(found)


def name_of(obj: Mapping[str, Any]) -> str:
    name: str = obj["metadata"]["name"]
    return name


def age_of(obj: Mapping[str, Any], now: datetime) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)


def spec_of(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    return obj.get("spec") or {}


def status_of(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    return obj.get("status") or {}


def labels_text(labels: Mapping[str, Any] | None) -> str:
    """``a=b,c=d``, sorted."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A label selector as kubectl would be given it."""
    if selector is None:
        return NONE
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for expression in selector.get("matchExpressions") or ():
        key, values = expression.get("key", ""), ",".join(sorted(expression.get("values") or ()))
        operator = expression.get("operator")
        text = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }
        parts.append(text.get(operator, key))
    return ",".join(parts) or NONE


def container_texts(pod_spec: Mapping[str, Any]) -> tuple[str, str]:
    """Names and images of the containers."""
    containers = pod_spec.get("containers") or ()
    names = ",".join(container.get("name", "") for container in containers)
    return names, ",".join(container.get("image", "") for container in containers)
