"""What ``lapstrake.ytt`` offers to programs: plain Python data in, text or plain Python data out."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from lapstrake.errors import InputError
from lapstrake.position import Position
from lapstrake.yamldoc.nodes import Document, placed
from lapstrake.yamldoc.plain import from_plain
from lapstrake.ytt.data_values import make_lenient
from lapstrake.ytt.failures import place_of
from lapstrake.ytt.limits import UNLIMITED, Limits
from lapstrake.ytt.rendering import SourceFile, TemplateOptions, TemplateResult, template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TypeAlias

    Contents: TypeAlias = Mapping[str, str | bytes]

MAX_NESTING = 200
_SCALARS = (str, int, float, bool, bytes, type(None))


def render(
    files: Contents,
    values: Mapping[str, Any] | None = None,
    *,
    schema: Mapping[str, Any] | None = None,
    values_files: Contents | None = None,
    file_marks: Sequence[str] = (),
    strict: bool = False,
    inspect: str = "",
    limits: Limits = UNLIMITED,
    log: Callable[[str], None] | None = None,
) -> TemplateResult:
    """Render ``files`` (path to content, in order; the end of a path tells what a file is, as for ytt).

    ``values`` are data values as a dict; they come last, may add keys, and replace lists. ``values_files`` are
    plain YAML files (name to content) below them in precedence. ``schema`` declares values by example, as a
    schema document does: a value's type is its type, a list has one element, the type of them all.
    ``inspect``: ``"values"`` or ``"schema"`` (OpenAPI v3) gives these instead of rendering. ``limits`` bound what
    templates use; ``log`` receives at once what they ``print``.

    Raises ytt.Error: ``str()`` of it is ytt's text, its ``position`` the innermost place it tells of, or None.
    """
    options = TemplateOptions(
        values_files=_sources(values_files or {}),
        file_marks=file_marks,
        strict=strict,
        inspect=inspect,
        limits=limits,
        given_values=[_lenient(values)] if values is not None else (),
        given_schemas=[_document(schema, "schema")] if schema is not None else (),
    )
    try:
        return template(_sources(files), options, log=log)
    except InputError as error:
        error.position = error.position or place_of(error)
        raise


def read(*paths: str | os.PathLike[str]) -> dict[str, bytes]:
    """The content of files and folders, as ``render`` takes it: what ``-f`` does, in the same order.

    Of a folder all files, by their path in it; of a file its name. Symbolic links are refused.
    Raises ytt.Error.
    """
    found: dict[str, bytes] = {}
    for path in paths:
        root = os.fspath(path)
        try:
            for full, name in _listed(root):
                with open(full, "rb") as file:
                    found[name] = file.read()
        except OSError as error:
            raise InputError(f"Reading '{root}': {error.strerror} ({error.filename})") from error
    return found


def _listed(root: str) -> Iterable[tuple[str, str]]:
    """Pairs of a file's full path and its name below ``root``, sorted."""
    if not stat.S_ISDIR(os.lstat(root).st_mode):
        return [(_checked(root), os.path.basename(root))]
    found: list[tuple[str, str]] = []
    pending = [root]
    while pending:
        folder = pending.pop()
        for entry in os.listdir(folder):
            full = os.path.join(folder, entry)
            if stat.S_ISDIR(os.lstat(full).st_mode):
                pending.append(full)
            else:
                name = os.path.relpath(full, root).replace(os.sep, "/")
                found.append((_checked(full), name))
    return sorted(found, key=lambda pair: pair[1])


def _checked(path: str) -> str:
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise InputError(f"Expected '{path}' to be a file, and not a symbolic link or a device")
    return path


def _sources(contents: Contents) -> list[SourceFile]:
    return [
        SourceFile(
            path, content.encode("utf-8", "surrogateescape") if isinstance(content, str) else bytes(content)
        )
        for path, content in contents.items()
    ]


def _lenient(values: Mapping[str, Any]) -> Document:
    document = _document(values, "values")
    make_lenient(document)
    return document


def _document(data: Mapping[str, Any], what: str) -> Document:
    """A document of plain data; its nodes say that they come from ``(values)`` or ``(schema)``. Raises InputError."""
    position = Position(f"({what})", 1, 1, "")
    return Document(placed(from_plain(_plain(data, what, 0)), position), position)


def _plain(value: Any, where: str, depth: int) -> Any:
    """``value`` made of dicts, lists and scalars only. Raises InputError for anything else in it."""
    if depth > MAX_NESTING:
        raise InputError(f"{where} is nested too deeply")
    if isinstance(value, Mapping):
        return {_key(key, where): _plain(item, f"{where}[{key!r}]", depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{where}[{at}]", depth + 1) for at, item in enumerate(value)]
    if type(value) in _SCALARS:
        return value
    raise InputError(f"Expected {where} to be a dict, a list or a scalar, but was {type(value).__name__}")


def _key(key: Any, where: str) -> Any:
    if type(key) not in _SCALARS:
        raise InputError(f"Expected the keys of {where} to be scalars, but found {type(key).__name__}")
    return key
