"""Input files as documents: YAML split at ``---``, lists of resources taken apart."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lapstrake.errors import InputError
from lapstrake.http.redaction import with_hidden_passwords
from lapstrake.json_text import json_kind
from lapstrake.yamldoc import plain

_NO_JSON_NUMBER = re.compile(r"(?i)\.(?:inf|nan)|e\+?[0-9]{3}")
_SCANNER_ON_LINE_1 = re.compile(
    r"^yaml: line 1: (?=mapping |could not |block |found (?!undefined|duplicate|incompatible)"
    r"|did not find (?:a |URI|expected (?:alpha|hex|white|digit|tag|comment|version)))"
)


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
        """``deployment/web (apps/v1) namespace: ns1``; a resource without a namespace is ``cluster``.

        A name that a cluster is to complete ends in a star.
        """
        metadata = self.body.get("metadata")
        metadata = metadata if isinstance(metadata, Mapping) else {}
        namespace = _text(metadata.get("namespace"))
        where = f"namespace: {namespace}" if namespace else "cluster"
        name, begun = (_text(metadata.get(key)) for key in ("name", "generateName"))
        if not name and begun:
            name = f"{begun}*"
        return f"{self.kind.lower()}/{name} ({self.api_version}) {where}"


def read(path: str, data: bytes) -> list[Document]:
    """The documents of a file, without the empty ones; raises InputError that names file and document."""
    found: list[Document] = []
    origin = _origin(path)
    try:
        texts = _split(data.decode("utf-8", "surrogateescape"))
    except InputError as e:
        raise InputError(f"Parsing {origin}: {e}") from e
    for number, text in enumerate(texts, 1):
        try:
            value = _one(text)
            if value:
                found += map(Document, _members(value))
        except InputError as e:
            raise InputError(f"Parsing {origin} doc {number}: {e}") from e
    return found


def _origin(path: str) -> str:
    if path == "stdin":
        return path
    if path.startswith(("http://", "https://")):
        return f"HTTP URL '{with_hidden_passwords(path)}'"
    return f"file '{path}'"


def values(text: str) -> list[Any]:
    """What the documents of a YAML text hold, of any kind, without the empty ones. Raises InputError."""
    found = (parse_value(piece) for piece in _split(text))
    return [value for value in found if value is not None]


def parse_value(text: str) -> Any:
    """The single value that a YAML text holds, as JSON would carry it. Raises InputError."""
    try:
        value = plain.load(text, "", slash_escapes=False)
    except InputError as e:
        # Its scanner names a line only from the second on.
        raise InputError(_SCANNER_ON_LINE_1.sub("yaml: ", str(e))) from e
    if _NO_JSON_NUMBER.search(text):
        _check_numbers(value)
    return value


def _check_numbers(value: Any) -> None:
    if isinstance(value, Mapping):
        for member in value.values():
            _check_numbers(member)
    elif isinstance(value, list):
        for member in value:
            _check_numbers(member)
    elif isinstance(value, float) and not math.isfinite(value):
        name = "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
        raise InputError(f"json: unsupported value: {name}")


def parse_document(text: str) -> Any:
    """As ``parse_value``, in the words of the original tool for what is no YAML."""
    try:
        return parse_value(text)
    except InputError as e:
        raise InputError(f"error converting YAML to JSON: {e}") from e


def _split(text: str) -> list[str]:
    """The documents' texts, as Kubernetes' reader of YAML cuts a stream. Raises InputError.

    A line that begins with ``---`` ends what came before; where nothing came before, it is a document's first line.
    """
    pieces: list[str] = []
    lines: list[str] = []
    for line in _lines(text):
        if line.startswith("---"):
            rest = line[3:].strip()
            if rest and not rest.startswith("#"):
                raise InputError(f"invalid Yaml document separator: {rest}")
            if lines:
                pieces.append("".join(lines))
                lines = []
                continue
        lines.append(line)
    return [*pieces, "".join(lines)] if lines else pieces


def _lines(text: str) -> list[str]:
    """Each with a line feed at its end; ``splitlines`` would cut at more than these."""
    if text and not text.endswith("\n"):
        text += "\n"
    return re.findall(r"[^\n]*\n", text)


def _check_utf8(text: str) -> None:
    """Bytes that are no UTF-8 stand in ``text`` as lone surrogates. Raises InputError, as YAML words it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        try:
            plain.load(text.encode("utf-8", "surrogateescape"), "")
        except InputError as e:
            raise InputError(f"error converting YAML to JSON: {e}") from None


def _one(text: str) -> Mapping[str, Any] | None:
    _check_utf8(text)
    try:
        value = parse_document(text)
    except InputError:
        _check_first(text)
        raise
    if value is None:
        return None
    return _mapping(value)


def _check_first(text: str) -> None:
    """Raises InputError if a whole value that is no mapping begins ``text``: the original looks no further."""
    try:
        first = plain.load_first(text, "")
    except InputError:
        return
    if first is not None:
        _mapping(first)


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
            f"{json_kind(value)} into Go value of type map[string]interface {{}}"
        )
    return value


def _members(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The resource itself, or the resources that a list holds."""
    items = value.get("items")
    if not isinstance(items, list):
        yield value
        return
    for item in items:
        if not isinstance(item, Mapping):
            raise InputError("items member is not an object: map[string]interface {}")
        yield item


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
