"""What a failed App would need to succeed, read from its error: the reason to try again early.

The original tries again only after 2^n seconds. When the thing that was missing turns up, there is no
reason to wait that long.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Awaited:
    """``what`` is kind (``name``: Kind, ``scope``: its group), namespace, or a resource in lower case."""

    what: str
    name: str
    scope: str = ""


_KIND = re.compile(r"Expected to find kind '(?:([^/']+)/)?[^/']+/([^/']+)'")
_NAMESPACE = re.compile(r'namespaces "([^"]+)" not found')
_RESOURCE = re.compile(
    r"\b(packageinstall|app|packagerepository)/(\S+) "
    r"\((?:packaging\.carvel\.dev|kappctrl\.k14s\.io)/v1alpha1\) namespace: ([^\s:]+)"
)


def awaited(message: str) -> frozenset[Awaited]:
    """Everything that ``message`` (usefulErrorMessage) misses."""
    return frozenset(
        [
            *(Awaited("kind", kind, group) for group, kind in _KIND.findall(message)),
            *(Awaited("namespace", name) for name in _NAMESPACE.findall(message)),
            *(Awaited(what, name, namespace) for what, name, namespace in _RESOURCE.findall(message)),
        ]
    )


def arrived(old: Object | None, new: Object | None) -> Awaited | None:
    """What became there by this change of a definition, a namespace or an object with Carvel conditions."""
    if new is None:
        return None
    kind, metadata = new.get("kind"), new["metadata"]
    if kind == "CustomResourceDefinition":
        if _condition(new, "Established") and (old is None or not _condition(old, "Established")):
            return Awaited("kind", new["spec"]["names"]["kind"], new["spec"]["group"])
    elif kind == "Namespace":
        if old is None:
            return Awaited("namespace", metadata["name"])
    elif _condition(new, "ReconcileSucceeded") and (old is None or not _condition(old, "ReconcileSucceeded")):
        return Awaited(str(kind).lower(), metadata["name"], metadata.get("namespace", ""))
    return None


def _condition(obj: Object, kind: str) -> bool:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == kind and c.get("status") == "True" for c in conditions)
