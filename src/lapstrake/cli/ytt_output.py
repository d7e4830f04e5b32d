"""Writing what ytt made: files in a directory, JSON, or lines with positions."""

from __future__ import annotations

import os
import sys

from lapstrake.errors import InputError
from lapstrake.yamldoc.gojson import dumps
from lapstrake.yamldoc.nodes import Array, Map
from lapstrake.yamldoc.plain import to_plain
from lapstrake.yamldoc.printer import is_empty, print_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from lapstrake.operations.template import SourceFile
    from lapstrake.yamldoc.nodes import Document, DocumentSet


def write_files(files: Sequence[SourceFile], folder: str, *, emptied: bool) -> None:
    """Create the files below ``folder``, and say so line by line. Raises InputError."""
    if emptied:
        if folder in ("/", ".", "./", ""):
            raise InputError("Expected output directory path to not be one of '/', '.', './', ''")
        seen: set[str] = set()
        for file in files:
            if file.path in seen:
                raise InputError(f"Multiple files have same output destination paths: {file.path}")
            seen.add(file.path)
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
    try:
        os.makedirs(folder, exist_ok=True)
        for file in files:
            _write_file(file, folder)
    except OSError as error:
        raise InputError(f"Writing output: {error.strerror} ({error.filename})") from error


def _write_file(file: SourceFile, folder: str) -> None:
    target = os.path.join(folder, file.path)
    if os.path.isabs(file.path) or ".." in file.path.split("/"):
        raise InputError(f"Expected output path '{file.path}' to stay inside of directory '{folder}'")
    sys.stdout.write(f"creating: {target}\n")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as out:
        out.write(file.data)


def json_text(documents: Iterable[Document]) -> str:
    """The documents as JSON, one after the other without a separator."""
    try:
        return "".join([dumps(to_plain(one.value)) for one in documents if not is_empty(one.value)])
    except ValueError as error:
        raise InputError(str(error)) from error


def positions_text(document_sets: Iterable[DocumentSet]) -> str:
    """The trees with the position of every node; a position too long for the column widens it from there on.

    Computed values without one have no column at all, as in ytt.
    """
    shown: list[str] = []
    width = 0
    for docset in document_sets:
        for place, text in _document_rows(docset):
            if place == "?":
                shown.append(f"{text.rstrip()}\n")
                continue
            if len(place) > width:
                width = len(place) + 10
            shown.append(f"{place.rjust(width)} | {text.rstrip()}\n")
    return "".join(shown)


def _document_rows(docset: DocumentSet) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for document in docset.items:
        if is_empty(document.value):
            continue
        rows.append((str(document.position), "[doc]"))
        if _inline(document.value):
            rows.append(("", f" {_inline(document.value)}"))
        _rows(document.value, "  ", rows)
    return rows


def _rows(value: Any, indent: str, rows: list[tuple[str, str]]) -> None:
    if type(value) is Map:
        for item in value.items:
            rows.append((str(item.position), f"{indent}{_key(item.key)}:{_inline(item.value)}"))
            _rows(item.value, indent + "  ", rows)
    elif type(value) is Array:
        for number, entry in enumerate(value.items):
            rows.append((str(entry.position), f"{indent}[{number}]{_inline(entry.value)}"))
            _rows(entry.value, indent + "  ", rows)
    elif not _inline(value):
        rows.append(("", f"{indent}{print_value(value)}"))


def _key(key: Any) -> str:
    if type(key) is str:
        return key
    kind = {bool: "bool", int: "int", float: "float64"}.get(type(key), "<nil>")
    return f"%!s({kind}={_scalar(key)})"


def _inline(value: Any) -> str:
    """What stands behind a key; nothing for what needs lines of its own."""
    if type(value) is Map or type(value) is Array:
        return ""
    text = _scalar(value)
    return "" if "\n" in text else f" {text}"


def _scalar(value: Any) -> str:
    return print_value(value).rstrip("\n")
