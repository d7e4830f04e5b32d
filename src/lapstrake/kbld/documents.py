"""Input files as documents: YAML split at ``---``, lists of resources taken apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lapstrake.errors import InputError
from lapstrake.yamldoc import plain

_SEPARATOR = re.compile(r"(?m)^---(?=\s|$)[ \t]*")


@dataclass(frozen=True, slots=True)
class Document:
    """One document; ``body`` is never changed."""

    body: Mapping[str, Any]

    @property
    def api_version(self) -> str:
        return _text(self.body.get("apiVersion"))

    @property
    def kind(self) -> str:
        return _text(self.body.get("kind"))

    @property
    def description(self) -> str:
        """``deployment/web (apps/v1) namespace: ns1``; a resource without a namespace is ``cluster``."""
        metadata = self.body.get("metadata")
        metadata = metadata if isinstance(metadata, Mapping) else {}
        namespace = _text(metadata.get("namespace"))
        where = f"namespace: {namespace}" if namespace else "cluster"
        return f"{self.kind.lower()}/{_text(metadata.get('name'))} ({self.api_version}) {where}"


def read(path: str, data: bytes) -> list[Document]:
    """The documents of a file, without the empty ones; raises InputError that names file and document."""
    found: list[Document] = []
    for number, text in enumerate(_split(data.decode("utf-8", "replace")), 1):
        try:
            value = _one(text)
            if value:
                found += map(Document, _members(value))
        except InputError as e:
            raise InputError(f"Parsing file '{path}' doc {number}: {e}") from e
    return found


def parse_value(text: str) -> Any:
    """The single value that a YAML text holds, as JSON would carry it. Raises InputError."""
    return plain.load(text, "")


def parse_document(text: str) -> Any:
    """As ``parse_value``, in the words of the original tool for what is no YAML."""
    try:
        return parse_value(text)
    except InputError as e:
        raise InputError(f"error converting YAML to JSON: {e}") from e


def _split(text: str) -> list[str]:
    """Pieces between separators; what stands before the first one counts only if it is not blank."""
    pieces = _SEPARATOR.split(text.removeprefix("\ufeff"))
    return [piece for piece in pieces if piece.strip()]


def _one(text: str) -> Mapping[str, Any] | None:
    value = parse_document(text)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InputError(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
            f"{json_kind(value)} into Go value of type map[string]interface {{}}"
        )
    return value


def _members(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The resource itself, or the resources that a list holds."""
    items = value.get("items")
    if not (_text(value.get("kind")).endswith("List") and isinstance(items, list)):
        yield value
        return
    for item in items:
        if not isinstance(item, Mapping):
            raise InputError("Expected item of a list to be an object")
        yield item


def json_kind(value: Any) -> str:
    """What Go's JSON decoder calls a value in its errors."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list | tuple) else "object" if isinstance(value, Mapping) else "null"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
