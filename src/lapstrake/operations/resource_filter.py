"""Which resources a command is about (``--filter-*``)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lapstrake.errors import InputError
from lapstrake.kapp.app import seconds_of
from lapstrake.kapp.changes import Change
from lapstrake.kube.resource import Resource
from lapstrake.kube.selectors import LabelSelector
from lapstrake.operations.kapp_run import Filters

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def accepts(filters: Filters, resource: Resource, now: float) -> bool:
    """``now``: seconds since 1970, for ages."""
    place = resource.namespace or "(cluster)"
    return (
        _among(resource.kind, filters.kinds)
        and _among(resource.name, filters.names)
        and _among(place, filters.namespaces)
        and _among(f"{resource.kind}/{resource.name}", filters.kind_names)
        and _among(f"{resource.kind}/{place}", filters.kind_namespaces)
        and _among(f"{resource.kind}/{place}/{resource.name}", filters.kind_namespace_names)
        and _labels_match(filters.labels, resource)
        and (not filters.age or _age_matches(filters.age, resource, now))
        and (not filters.json or _document_accepts(_document(filters.json), resource))
    )


def accepts_change(text: str, change: Change) -> bool:
    """``text``: the JSON of ``--diff-filter``; empty accepts all."""
    return not text or _document_accepts_change(_document(text), change)


def _document_accepts_change(document: Mapping[str, Any], change: Change) -> bool:
    """As for resources, with ``ops``, ``newResource`` and ``existingResource`` as what is looked at."""
    if "and" in document:
        return all(_document_accepts_change(part, change) for part in document["and"])
    if "or" in document:
        return any(_document_accepts_change(part, change) for part in document["or"])
    if "not" in document:
        return not _document_accepts_change(document["not"], change)
    if "ops" in document:
        return change.op in document["ops"]
    for name, obj in (("newResource", change.new), ("existingResource", change.existing)):
        if name in document:
            return obj is not None and _document_accepts({"resource": document[name]}, Resource(obj))
    return True


def _among(value: str, wanted: Sequence[str]) -> bool:
    return not wanted or value in wanted


def _labels_match(selectors: Sequence[str], resource: Resource) -> bool:
    return not selectors or any(LabelSelector.parse(text).matches(resource.labels) for text in selectors)


def _age_matches(wanted: str, resource: Resource, now: float) -> bool:
    """``5m+``: older than that, ``5m-``: younger."""
    match = re.fullmatch(r"(\d+)([smhd])([+-])", wanted)
    if match is None:
        raise InputError(f"Expected age filter to be a duration with + or - behind it, but was '{wanted}'")
    created = seconds_of(resource.created_at)
    if created is None:
        return False
    limit = int(match[1]) * _UNITS[match[2]]
    return now - created > limit if match[3] == "+" else now - created < limit


def _document(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as err:
        raise InputError(f"Parsing filter: {err}") from err
    if not isinstance(value, dict):
        raise InputError("Parsing filter: expected a JSON object")
    return value


def _document_accepts(document: Mapping[str, Any], resource: Resource) -> bool:
    """``{"and": [...]}``, ``{"or": [...]}``, ``{"not": ...}``, ``{"resource": {"kinds": [...], ...}}``."""
    if "and" in document:
        return all(_document_accepts(part, resource) for part in document["and"])
    if "or" in document:
        return any(_document_accepts(part, resource) for part in document["or"])
    if "not" in document:
        return not _document_accepts(document["not"], resource)
    wanted = document.get("resource") or {}
    return (
        _among(resource.kind, wanted.get("kinds") or ())
        and _among(resource.name, wanted.get("names") or ())
        and _among(resource.namespace or "(cluster)", wanted.get("namespaces") or ())
        and _labels_match(wanted.get("labels") or (), resource)
    )
