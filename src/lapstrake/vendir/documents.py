"""Files of several YAML documents, taken apart as Kubernetes' reader of YAML streams does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lapstrake.errors import InputError
from lapstrake.yamldoc import plain

_OF_THE_SCANNER = re.compile(
    r"^yaml: line 1: (?=mapping values|found (character|unknown|undefined|unexpected|invalid Unicode)|block sequence|could not find expected ':')"
)


class SeparatorError(InputError):
    """A line begins with ``---`` and goes on."""


def split(data: bytes) -> Iterator[bytes]:
    """The documents of a file, without blank ones; the last line of each ends as the others do.

    A separator counts once something stands above it. Raises SeparatorError, once it comes to that line.
    """
    above: list[bytes] = []
    for line in data.splitlines(keepends=True):
        if line.startswith(b"---"):
            rest = line[3:].strip()
            if rest and not rest.startswith(b"#"):
                raise SeparatorError(f"invalid Yaml document separator: {rest.decode('utf-8', 'replace')}")
            if above:
                yield from _unless_blank(above)
                above = []
                continue
        above.append(line)
    yield from _unless_blank(above)


def _unless_blank(lines: list[bytes]) -> Iterator[bytes]:
    document = b"".join(lines)
    if document.strip():
        yield document if document.endswith(b"\n") else document + b"\n"


def load(document: bytes) -> Any:
    """The plain value of one document. Raises InputError ``error converting YAML to JSON: ...``."""
    try:
        return plain.load(_first(document), "")
    except InputError as e:
        text = _OF_THE_SCANNER.sub("yaml: ", str(e))
        raise InputError(f"error converting YAML to JSON: {text}") from e


def _first(document: bytes) -> bytes:
    """Up to the line that ends a document; nobody looks at what follows."""
    end = re.search(rb"(?m)^\.\.\.\s*$", document)
    return document[: end.start()] if end else document
