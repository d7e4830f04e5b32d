"""The body of a request as a value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from lapstrake.apiserver import protobuf, status
from lapstrake.apiserver.jsontext import JsonError, parse, type_word
from lapstrake.errors import LapstrakeError
from lapstrake.yamldoc import plain

BODY_LIMIT = 3 * 1024 * 1024
"""Bytes of one request body, as on a real server."""

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Gone(Exception):
    """The client went away while it was sending."""


async def read(receive: Receive) -> bytes:
    """The whole body. Raises the refusal of one that is too large, and Gone."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size > BODY_LIMIT:
            raise status.too_large(BODY_LIMIT)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def media_type(content_type: str) -> str:
    """The Content-Type without its parameters; JSON if there is none."""
    return content_type.partition(";")[0].strip().lower() or JSON


def decoded(body: bytes, content_type: str, kind: str = "Object") -> Any:
    """The document in ``body``. Raises a refusal: 400 if it cannot be read, 415 for a type that is not known.

    ``kind`` is what was expected. A JSON document that is no object is refused as well.
    """
    media = media_type(content_type)
    if media == PROTOBUF:
        try:
            return protobuf.decode(body)
        except protobuf.ProtobufError as error:
            raise status.bad_request(str(error)) from None
    if media == YAML:
        return _yaml(body)
    if media not in (JSON, "*/*", "text/plain", "application/x-www-form-urlencoded"):
        raise status.unsupported_media_type([JSON, YAML, PROTOBUF])
    try:
        document = parse(body)
    except JsonError as error:
        raise _unrecognized(body, kind, str(error)) from None
    if not isinstance(document, dict):
        text = f"json: cannot unmarshal {type_word(document)} into Go value of type {_HEAD_TYPE}"
        raise _unrecognized(body, kind, text)
    return document


_HEAD_TYPE = (
    r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
)
_LONGEST_SHOWN = 1024


def _unrecognized(body: bytes, kind: str, text: str) -> status.ApiError:
    """400, with the beginning of the body: as text if it may be an object, else as hexadecimal digits."""
    more = " ..." if len(body) > _LONGEST_SHOWN else ""
    start = body[:_LONGEST_SHOWN]
    shown = start.decode("utf-8", "replace") if start.startswith(b"{") else start.hex()
    return status.bad_request(
        f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; "
        f"json parse error: {text} ({shown + more if body else '<empty>'})"
    )


def _yaml(body: bytes) -> Any:
    try:
        documents = plain.load_all(body.decode(), "body")
    except (LapstrakeError, UnicodeDecodeError, RecursionError) as error:
        raise status.bad_request(f"error converting YAML to JSON: {error}") from None
    return documents[0] if documents else None
