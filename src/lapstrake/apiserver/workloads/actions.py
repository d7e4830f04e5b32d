"""What a decision may ask for, and what all workloads have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from lapstrake.kube.selectors import LabelSelector

Object = dict[str, Any]

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels and no look-alikes, as in names that Kubernetes makes."""


@dataclass(frozen=True, slots=True)
class Create:
    object: Object


@dataclass(frozen=True, slots=True)
class Update:
    """Replace metadata and spec."""

    object: Object


@dataclass(frozen=True, slots=True)
class SetStatus:
    object: Object


@dataclass(frozen=True, slots=True)
class Delete:
    object: Object


@dataclass(frozen=True, slots=True)
class Bind:
    """Place a Pod on a node, as the scheduler does."""

    object: Object
    node: str


Action = Create | Update | SetStatus | Delete | Bind


def digest_name(value: Any, length: int = 9) -> str:
    """A short name for ``value`` (any JSON), the same for equal values."""
    number = int.from_bytes(
        hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).digest()[:12], "big"
    )
    letters = []
    for _ in range(length):
        number, rest = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[rest])
    return "".join(letters)


def owner_reference(owner: Object) -> Object:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_of(obj: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The owner reference that controls ``obj``."""
    return next((r for r in obj["metadata"].get("ownerReferences") or () if r.get("controller")), None)


def owned_by(owner: Object, objects: Iterable[Object]) -> list[Object]:
    uid = owner["metadata"]["uid"]
    return [
        obj for obj in objects if (reference := controller_of(obj)) is not None and reference["uid"] == uid
    ]


def selects(owner: Object, obj: Object) -> bool:
    return LabelSelector.of(owner["spec"].get("selector") or {}).matches(obj["metadata"].get("labels"))


def is_going(obj: Object) -> bool:
    return "deletionTimestamp" in obj["metadata"]


def is_finished(pod: Object) -> bool:
    return phase(pod) in ("Succeeded", "Failed")


def phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase") or "Pending")


def is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def pod_from(
    owner: Object, *, name: str = "", labels: Mapping[str, str] | None = None, finalizers: Sequence[str] = ()
) -> Object:
    """A Pod of ``owner``'s template; without ``name`` the server makes one."""
    template = owner["spec"]["template"]
    given = template.get("metadata") or {}
    metadata: Object = {"name": name} if name else {"generateName": f"{owner['metadata']['name']}-"}
    metadata["namespace"] = owner["metadata"]["namespace"]
    if merged := {**(given.get("labels") or {}), **(labels or {})}:
        metadata["labels"] = merged
    if given.get("annotations"):
        metadata["annotations"] = dict(given["annotations"])
    metadata["ownerReferences"] = [owner_reference(owner)]
    if finalizers:
        metadata["finalizers"] = list(finalizers)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": orjson.loads(orjson.dumps(template["spec"])),
    }


def with_metadata(obj: Object, **changes: Any) -> Object:
    """``obj`` with other metadata fields; None removes one."""
    metadata = {**obj["metadata"], **changes}
    return {**obj, "metadata": {key: value for key, value in metadata.items() if value is not None}}


def status_change(obj: Object, status: Object) -> list[Action]:
    """The action that gives ``obj`` this status, if it has another."""
    if (obj.get("status") or {}) == status:
        return []
    return [SetStatus({**obj, "status": status})]


def counts(**fields: int) -> Object:
    """Counters as Kubernetes writes them: a zero is left out."""
    return {name: value for name, value in fields.items() if value}


def condition(
    before: Sequence[Mapping[str, Any]],
    kind: str,
    value: bool,
    reason: str,
    message: str,
    now: str,
    *,
    updates: bool = False,
) -> Object:
    """A condition; its times stay as they were while nothing changes."""
    old = next((c for c in before if c.get("type") == kind), None)
    new: Object = {"type": kind, "status": "True" if value else "False", "reason": reason, "message": message}
    same = old is not None and all(old.get(key) == new[key] for key in ("status", "reason", "message"))
    kept = old is not None and old.get("status") == new["status"]
    new["lastTransitionTime"] = old["lastTransitionTime"] if kept and old else now
    if updates:
        new["lastUpdateTime"] = old.get("lastUpdateTime", now) if same and old else now
    return new
