"""The labels and the selector by which a Job finds its Pods (vectors/kube/crud/job)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UID_LABEL, NAME_LABEL = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"


def prepare(new: dict[str, Any], old: Mapping[str, Any] | None) -> None:
    """Label a new Job and its Pods by its uid, unless it brings a selector of its own; in place."""
    spec = new.setdefault("spec", {})
    if old is not None:
        return
    if spec.get("manualSelector"):
        return
    spec["manualSelector"] = False
    uid, name = new["metadata"]["uid"], new["metadata"]["name"]
    labels = {UID_LABEL: uid, NAME_LABEL: name, "controller-uid": uid, "job-name": name}
    template = spec.setdefault("template", {}).setdefault("metadata", {})
    for meta in (template, new["metadata"]):
        meta["labels"] = {**(meta.get("labels") or {}), **labels}
    spec.setdefault("selector", {}).setdefault("matchLabels", {})[UID_LABEL] = uid
