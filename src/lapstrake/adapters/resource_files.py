"""Resource files as ``-f`` names them: files, folders, standard input and URLs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lapstrake.errors import InputError
from lapstrake.messages import reason, unread

_EXTENSIONS = (".json", ".yaml", ".yml")
_MOST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class ResourceFile:
    """``path`` as the user knows it; ``-`` reads as ``stdin``."""

    path: str
    data: bytes


def read_resource_files(names: Sequence[str]) -> list[ResourceFile]:
    """In the order given; a folder gives its JSON and YAML files at any depth, sorted by whole path.

    Raises InputError in the words of the original tools (vectors kbld/resolve).
    """
    return list(each_resource_file(names))


def each_resource_file(names: Sequence[str]) -> Iterator[ResourceFile]:
    """As ``read_resource_files``, each when it is asked for: the first error is told, be it of a name or of a text."""
    for name in names:
        yield from _read(name)


def _read(name: str) -> Iterator[ResourceFile]:
    if name == "-":
        yield ResourceFile("stdin", sys.stdin.buffer.read())
        return
    if name.startswith(("http://", "https://")):
        yield ResourceFile(name, _from_url(name))
        return
    try:
        paths = _in_folder(name) if os.path.isdir(name) else [name]
        os.stat(name)
    except OSError as e:
        raise InputError(f"Unable to stat file: stat {name}: {reason(e)}") from e
    for path in paths:
        yield ResourceFile(path, _from_file(path))


def _in_folder(folder: str) -> list[str]:
    """A link in a folder stands for a file, wherever it leads: it cannot be read if it leads to a folder."""
    found = []
    for parent, folders, names in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        found += [os.path.join(parent, name) for name in (*names, *links) if name.endswith(_EXTENSIONS)]
    return sorted(os.path.normpath(path) for path in found)


def _from_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as e:
        raise InputError(f"Parsing file '{path}': {unread(path, e)}") from e


def _from_url(url: str) -> bytes:
    from lapstrake.http.downloads import Request, StatusError, standard_downloads
    from lapstrake.http.redaction import with_hidden_passwords

    try:
        return standard_downloads(os.environ).read(Request(url, good=range(200, 300)), _MOST_BYTES)
    except StatusError as e:
        why = f"{e.status} {e.reason}"
    except InputError as e:
        why = str(e)
    shown = with_hidden_passwords(url)
    raise InputError(f"Parsing HTTP URL '{shown}': Requesting URL '{shown}': {why}")
