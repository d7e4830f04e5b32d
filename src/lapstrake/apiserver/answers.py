"""Answers in the form that a client accepts: JSON, YAML, a Table, or only metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from lapstrake.apiserver import status
from lapstrake.apiserver.reading import unstored
from lapstrake.apiserver.resources import Served
from lapstrake.apiserver.status import ApiError
from lapstrake.apiserver.store import Collection, Stored
from lapstrake.kube.types import ResourceType
from lapstrake.yamldoc import plain

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
_TYPES = (JSON, YAML, PROTOBUF)


@dataclass(frozen=True, slots=True)
class Form:
    """What to answer with. ``shape``: "", Table or PartialObjectMetadata; ``version`` of the shape."""

    media: str = JSON
    shape: str = ""
    version: str = "v1"
    include: str = "Metadata"

    @property
    def plain(self) -> bool:
        return self.media == JSON and not self.shape


PLAIN = Form()
SCALES = Served(
    ResourceType("autoscaling", "v1", "Scale", "scales", True),
    Collection("autoscaling", "scales"),
    definition="autoscaling.v1.Scale",
)
_SHAPES = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")


def form_of(accept: str, include: str = "") -> Form:
    """The first form in an Accept header that the server can make. Raises the refusal (406).

    Protobuf is never made, so it only counts with JSON beside it, as for custom resources.
    ``include``: the query parameter ``includeObject``.
    """
    if accept in ("", JSON, "*/*"):
        return PLAIN
    if include not in ("", "Metadata", "Object", "None"):
        text = f"includeObject: Invalid value: \"{include}\": must be 'Metadata', 'Object', 'None', or empty"
        raise status.bad_request(f"Unable to convert to Table as requested: {text}")
    shaped = False
    for part in accept.split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        values = dict(parameter.partition("=")[::2] for parameter in parameters)
        if media in ("*/*", "application/*", JSON, YAML):
            shape = values.get("as", "")
            if not shape:
                return Form(YAML) if media == YAML else PLAIN
            if shape in _SHAPES and values.get("g") == "meta.k8s.io" and values.get("v") in ("v1", "v1beta1"):
                media = YAML if media == YAML else JSON
                return Form(media, shape.removesuffix("List"), values["v"], include or "Metadata")
            shaped = True
        elif media == PROTOBUF:
            shaped = True
    raise status.not_acceptable(_TYPES) if shaped else _unknown_media()


def _unknown_media() -> ApiError:
    message = f"406: Not Acceptable\n\nAvailable representations: {', '.join(_TYPES)}"
    return ApiError(406, "NotAcceptable", message, {})


def json_response(value: Any, code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(value) + b"\n", code, headers, JSON)


def refusal_response(refusal: ApiError) -> Response:
    response = json_response(refusal.status(), refusal.code)
    response.raw_headers.extend(warning_headers(refusal.warnings))
    return response


def text_response(text: str, code: int = 200) -> Response:
    return Response(text.encode(), code, media_type="text/plain; charset=utf-8")


def warning_headers(warnings: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """``Warning`` headers, one per text."""
    return [(b"warning", f'299 - "{_quotable(text)}"'.encode("latin-1", "replace")) for text in warnings]


def _quotable(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


Tables = Callable[[Served, Sequence[Mapping[str, Any]]], dict[str, Any]]
"""``columnDefinitions`` and the ``rows``' cells of a Table: ``{"columnDefinitions", "rows": [{"cells"}]}``."""


class Answers:
    """Lays out objects, lists and watch lines."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def object(self, served: Served, item: Stored, form: Form, code: int = 200) -> Response:
        if form.plain:
            return Response(served.prefix + item.body + b"\n", code, media_type=JSON)
        return self._value(self._shaped_object(served, item, form), form, code)

    def value(self, value: Mapping[str, Any], form: Form, code: int = 200) -> Response:
        """Something that is no object of a resource: a Status, a Scale, a review."""
        return self._value(value, form, code)

    def scale(self, scale: Mapping[str, Any], form: Form) -> Response:
        """A Scale object, which belongs to no resource of its own."""
        if form.shape:
            return self._value(self._shaped_object(SCALES, unstored(dict(scale)), form), form)
        return self._value(scale, form)

    def list(self, served: Served, items: Sequence[Stored], meta: Mapping[str, Any], form: Form) -> Response:
        if form.plain:
            return Response(_list_bytes(served, items, meta), media_type=JSON)
        if form.shape == "Table":
            return self._value(self._table(served, items, meta, form), form)
        if form.shape:
            listed = [_partial(item.object, form) for item in items]
            kind = {"kind": "PartialObjectMetadataList", "apiVersion": f"meta.k8s.io/{form.version}"}
            return self._value({**kind, "metadata": meta, "items": listed}, form)
        return self._value(orjson.loads(_list_bytes(served, items, meta)), form)

    def watch_encoder(self, served: Served, form: Form) -> Callable[[str, Stored], bytes]:
        """Lines of a watch; in Tables only the first carries the column definitions."""
        if form.shape:
            return self._shaped_encoder(served, form)
        prefix = served.prefix

        def encode(event_type: str, item: Stored) -> bytes:
            return b"".join((b'{"type":"', event_type.encode(), b'","object":', prefix, item.body, b"}\n"))

        return encode

    def _shaped_encoder(self, served: Served, form: Form) -> Callable[[str, Stored], bytes]:
        first = True

        def encode(event_type: str, item: Stored) -> bytes:
            nonlocal first
            shown: dict[str, Any] = item.object
            if event_type != "BOOKMARK" or form.shape == "Table":
                shown = self._shaped_object(served, item, form)
            if form.shape == "Table":
                if not first:
                    shown["columnDefinitions"] = None
                first = False
            return orjson.dumps({"type": event_type, "object": shown}) + b"\n"

        return encode

    def _shaped_object(self, served: Served, item: Stored, form: Form) -> dict[str, Any]:
        if form.shape == "Table":
            meta = {"resourceVersion": item.object["metadata"].get("resourceVersion", "")}
            return self._table(served, [item], meta, form)
        if form.shape:
            return _partial(item.object, form)
        return item.object

    def _table(
        self, served: Served, items: Sequence[Stored], meta: Mapping[str, Any], form: Form
    ) -> dict[str, Any]:
        made = self._tables(served, [item.object for item in items])
        for row, item in zip(made["rows"], items, strict=True):
            if form.include == "Object":
                row["object"] = item.object
            elif form.include == "None":
                row["object"] = None
            else:
                row["object"] = _partial(item.object, form)
        return {
            "kind": "Table",
            "apiVersion": f"meta.k8s.io/{form.version}",
            "metadata": meta,
            "columnDefinitions": made["columnDefinitions"],
            "rows": made["rows"],
        }

    def _value(self, value: Mapping[str, Any], form: Form, code: int = 200) -> Response:
        if form.media == YAML:
            return Response(plain.dump(value).encode(), code, media_type=YAML)
        return json_response(value, code)


def _partial(obj: Mapping[str, Any], form: Form) -> dict[str, Any]:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{form.version}",
        "metadata": obj["metadata"],
    }


def _list_bytes(served: Served, items: Sequence[Stored], meta: Mapping[str, Any]) -> bytes:
    # Items of built-in kinds come without kind and apiVersion.
    prefix = served.prefix if served.custom else b"{"
    head = f'{{"kind":"{served.list_name}","apiVersion":"{served.rt.api_version}","metadata":'.encode()
    joined = b",".join([prefix + item.body for item in items])
    return b"".join((head, orjson.dumps(meta), b',"items":[', joined, b"]}\n"))
