"""Lists: selectors, pages, and which fields of a kind can be selected by."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from lapstrake.apiserver import status
from lapstrake.apiserver.reading import Reading
from lapstrake.apiserver.requests import Query
from lapstrake.apiserver.resources import Served
from lapstrake.apiserver.selectors import Reader, Test, fields_match, labels_match, reader
from lapstrake.apiserver.store import Stored

_SELECTABLE = {
    ("", "pods"): (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    ("", "events"): (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    ("", "secrets"): ("type",),
    ("", "namespaces"): ("status.phase",),
    ("", "nodes"): ("spec.unschedulable",),
    ("", "services"): ("spec.clusterIP", "spec.type"),
    ("", "replicationcontrollers"): ("status.replicas",),
    ("apps", "replicasets"): ("status.replicas",),
    ("batch", "jobs"): ("status.successful",),
    ("certificates.k8s.io", "certificatesigningrequests"): ("spec.signerName",),
}


def _readers(served: Served) -> Mapping[str, Reader]:
    names = ["metadata.name", "metadata.namespace"] if served.rt.namespaced else ["metadata.name"]
    names += served.selectable_fields or _SELECTABLE.get(served.collection, ())
    found = {name: reader(name) for name in names}
    if served.collection == ("", "events"):
        found["source"] = reader("source.component")
    return found


def selection(served: Served, query: Query) -> Test | None:
    """The test of an object that the label and field selector of ``query`` make together; None: all pass."""
    labels = labels_match(query.text("labelSelector"))
    text = query.text("fieldSelector")
    fields = fields_match(text, _readers(served), lambda name: _unsupported(served, name)) if text else None
    if labels is None or fields is None:
        return labels or fields
    by_labels, by_fields = labels, fields
    return lambda obj: by_labels(obj) and by_fields(obj)


def _unsupported(served: Served, name: str) -> str:
    own = served.selectable_fields or _SELECTABLE.get(served.collection, ())
    if own or served.custom:
        return f"field label not supported: {name}"
    return f'"{name}" is not a known field selector: only "metadata.name", "metadata.namespace"'


def page(
    reading: Reading, served: Served, namespace: str, query: Query
) -> tuple[list[Stored], dict[str, Any]]:
    """The objects of one page and the list's metadata."""
    test = selection(served, query)
    # Views come whole, as from the original data API: names of two namespaces have no order to go on in.
    limit = query.number("limit") or 0 if served.view is None else 0
    items, version = reading.list(served, namespace)
    token = query.text("continue")
    after: str | None = None
    if token:
        version, after = _continued(token, query)
    else:
        _check_version(query, version)
    if after is not None:
        items = [item for item in items if _place(item) > after]
    if test is not None:
        items = [item for item in items if test(item.object)]
    meta: dict[str, Any] = {"resourceVersion": str(version)}
    if 0 < limit < len(items):
        meta["continue"] = _token(version, items[limit - 1])
        if test is None:
            meta["remainingItemCount"] = len(items) - limit
        items = items[:limit]
    return items, meta


def _place(item: Stored) -> str:
    meta = item.object["metadata"]
    return f"{meta.get('namespace', '')}/{meta['name']}"


def _token(version: int, last: Stored) -> str:
    # A page is cut from what is there when it is asked for; the version is that of the first page.
    text = orjson.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": _place(last)})
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _continued(token: str, query: Query) -> tuple[int, str]:
    if query.text("resourceVersion") not in ("", "0"):
        raise status.bad_request("specifying resource version is not allowed when using continue")
    try:
        found = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(found["rv"]), str(found["start"])
    except (ValueError, KeyError, TypeError):
        text = "invalid character '\\u0081' looking for beginning of value"
        raise status.bad_request(f"invalid continue token: continue key is not valid: {text}") from None


def version_number(text: str) -> int | None:
    """A resourceVersion from the query; None if it is not given. Raises ValueError with the text for users."""
    if text == "":
        return None
    if not text.isascii() or not text.isdigit():
        raise ValueError(
            f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    return int(text)


def _check_version(query: Query, current: int) -> None:
    try:
        asked = version_number(query.text("resourceVersion"))
    except ValueError as error:
        raise status.bad_request(f"invalid resource version: {error}") from None
    if asked is not None and asked > current:
        message = f"Too large resource version: {asked}, current: {current}"
        found = {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]}
        raise status.ApiError(504, "Timeout", message, {**found, "retryAfterSeconds": 1})
    if asked and asked < current and query.text("resourceVersionMatch") == "Exact":
        raise status.expired("The resourceVersion for the provided list is too old.")
