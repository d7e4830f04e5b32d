"""What a kind demands of its objects: decoding, defaults, checks and the ownership of fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lapstrake.apiserver import managed_fields, status, validation
from lapstrake.apiserver.apply import apply
from lapstrake.apiserver.builtin import definition_schema, with_head
from lapstrake.apiserver.decoding import (
    Decoded,
    DecodeError,
    cannot_handle,
    decode,
    decode_custom,
    strict_text,
)
from lapstrake.apiserver.defaults import fill
from lapstrake.apiserver.jsontext import is_deeper
from lapstrake.apiserver.managed_fields import Writer
from lapstrake.apiserver.requests import Call
from lapstrake.apiserver.resources import Served
from lapstrake.apiserver.schema import ANYTHING, Schema, fill_defaults
from lapstrake.apiserver.status import Cause

_MOST_LEVELS = 200
"""Of maps and lists in each other; what is written with more cannot be laid out as JSON."""


class Unreadable(status.ApiError):
    """400: a value cannot be of its kind; ``cause`` is why."""

    def __init__(self, kind: str, version: str, cause: str, sent: str = "") -> None:
        refusal = cannot_handle(kind, version, cause, sent)
        super().__init__(refusal.code, refusal.reason, refusal.message)
        self.cause = cause


def decoded(
    served: Served, body: Any, call: Call, duplicates: tuple[str, ...] = (), *, patched: bool = False
) -> dict[str, Any]:
    """The object that ``body`` describes, without what its kind does not know. A new dict.

    Fields that are unknown or given twice (``duplicates``) are refused, warned of or ignored, as ``call`` says;
    by name if the body is the result of a patch (``patched``), else in their order.
    """
    rt = served.rt
    if not isinstance(body, dict):
        raise status.bad_request(f"the object provided is unrecognized (must be of type {rt.kind})")
    if is_deeper(body, _MOST_LEVELS):
        raise status.bad_request("the object is nested too deeply")
    body = {"kind": rt.kind, "apiVersion": rt.api_version, **body}
    _check_type(served, body)
    try:
        found = _read(served, body)
    except DecodeError as error:
        raise Unreadable(rt.kind, rt.version, str(error)) from None
    unknown = tuple(sorted(found.unknown)) if patched else found.unknown
    if unknown or duplicates:
        if call.validation == "Strict":
            raise Unreadable(rt.kind, rt.version, strict_text(unknown, duplicates))
        if call.validation == "Warn":
            call.warnings.extend(f'duplicate field "{path}"' for path in duplicates)
            call.warnings.extend(f'unknown field "{path}"' for path in unknown)
    obj = {"kind": rt.kind, "apiVersion": rt.api_version, **found.object}
    obj["metadata"] = obj.get("metadata") or {}
    return obj


def read_as(definition: str, body: Any) -> dict[str, Any]:
    """What a body that is no object of a resource says, by its definition in the catalogue: options, a Scale.

    Unknown fields are dropped, an empty body is an empty object. Raises the refusal of wrong types.
    """
    kind, version = definition.rpartition(".")[2], definition.split(".")[1]
    if not isinstance(body, dict):
        if body is None:
            return {}
        raise status.bad_request(f"the object provided is unrecognized (must be of type {kind})")
    try:
        return decode(definition_schema(definition), body).object
    except DecodeError as error:
        raise Unreadable(kind, version, str(error)) from None


def redecoded(served: Served, obj: dict[str, Any], live: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The result of a patch, read as if it had been sent. Raises the refusal of another name or namespace."""
    found = decoded(served, obj, call, patched=True)
    new, old = found["metadata"], live["metadata"]
    if new.get("name") != old.get("name"):
        raise status.bad_request(
            f"the name of the object ({new.get('name', '')}) does not match the name on the URL ({old.get('name', '')})"
        )
    if new.get("namespace") != old.get("namespace"):
        raise status.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    return found


def _read(served: Served, body: dict[str, Any]) -> Decoded:
    if served.custom:
        return decode_custom(served.schema or ANYTHING, body)
    assert served.schema is not None
    return decode(served.schema, body)


def _check_type(served: Served, body: Mapping[str, Any]) -> None:
    rt, kind, version = served.rt, body["kind"], body["apiVersion"]
    if kind != rt.kind:
        inside = rt.group.partition(".")[0] or "core"
        text = f"converting ({version}.{kind}) to ({inside}.{rt.kind}): unknown conversion"
        raise Unreadable(rt.kind, str(version).rpartition("/")[2], text, sent=str(kind))
    if version != rt.api_version:
        raise status.bad_request(
            f"the API version in the data ({version}) does not match the expected API version ({rt.api_version})"
        )


def defaulted(served: Served, obj: dict[str, Any]) -> dict[str, Any]:
    """The object with the defaults of its kind."""
    if served.custom:
        if served.schema is None:
            return obj
        filled: dict[str, Any] = fill_defaults(served.schema, obj)
        return filled
    return fill(served.definition, obj)


def violations(served: Served, obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> Sequence[Cause]:
    """The rules of the kind that the object breaks."""
    if not served.custom:
        return validation.violations(served.definition, obj, old)
    view = served.view
    if view is None:
        return validation.custom_violations(served.schema, obj, old)
    # What has to be a good name is that under which the object is stored.
    metadata = {**obj["metadata"], "name": view.stored_name(obj["metadata"]["name"])}
    found = validation.custom_violations(served.schema, {**obj, "metadata": metadata}, old)
    return view.validate(obj) if not found and view.validate is not None else found


def own_created(served: Served, obj: dict[str, Any], call: Call, now: str) -> None:
    """Record, in place, who set the fields of a new object."""
    obj["metadata"].pop("managedFields", None)
    blank = managed_fields.blank_object(served.definition)
    obj["metadata"]["managedFields"] = managed_fields.after_create(
        typed_schema(served), obj, blank, _writer(served, call, now), has_status=served.status
    )


def own_changed(
    served: Served, new: dict[str, Any], live: Mapping[str, Any], call: Call, now: str, subresource: str
) -> None:
    """Record, in place, who set the fields that differ."""
    writer = _writer(served, call, now, subresource)
    entries = managed_fields.after_update(typed_schema(served), live, new, writer)
    if entries:
        new["metadata"]["managedFields"] = entries
    else:
        new["metadata"].pop("managedFields", None)


def applied(
    served: Served,
    live: Mapping[str, Any] | None,
    patch: Mapping[str, Any],
    call: Call,
    now: str,
    subresource: str,
) -> dict[str, Any]:
    """What server-side apply makes of ``live`` (None: there is no such object), with its owners."""
    made = apply(
        typed_schema(served),
        live,
        patch,
        _writer(served, call, now, subresource),
        force=call.force,
        has_status=served.status,
        blank=managed_fields.blank_object(served.definition),
    )
    owners = made["metadata"]["managedFields"]
    obj = decoded(served, made, replace(call, validation="Ignore"))
    obj["metadata"]["managedFields"] = owners
    return obj


def _writer(served: Served, call: Call, now: str, subresource: str = "") -> Writer:
    return Writer(call.manager, served.rt.api_version, now, subresource)


def typed_schema(served: Served) -> Schema:
    """The schema of whole objects, metadata included, by which fields are owned and merged."""
    if not served.custom and served.schema is not None:
        return served.schema
    return with_head(served.schema)
