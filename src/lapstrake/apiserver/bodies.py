"""The body of a request as a value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from lapstrake.apiserver import protobuf, status
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


def decoded(body: bytes, content_type: str) -> Any:
    """The document in ``body``. Raises a refusal: 400 if it cannot be read, 415 for a type that is not known."""
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
        return orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError) as error:
        text = f"couldn't get version/kind; json parse error: {error}"
        raise status.bad_request(
            f"the object provided is unrecognized (must be of type Object): {text}"
        ) from None


def _yaml(body: bytes) -> Any:
    try:
        documents = plain.load_all(body.decode(), "body")
    except (LapstrakeError, UnicodeDecodeError, RecursionError) as error:
        raise status.bad_request(f"error converting YAML to JSON: {error}") from None
    return documents[0] if documents else None
