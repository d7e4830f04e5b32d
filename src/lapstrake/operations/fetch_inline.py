"""The source ``inline``: files from the configuration itself, and from Secrets and ConfigMaps."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from typing import Any

from lapstrake.adapters.file_tree import write_file
from lapstrake.errors import InputError
from lapstrake.operations.sync import FetchRequest
from lapstrake.vendir.config import References


def fetch_inline(request: FetchRequest) -> Mapping[str, Any]:
    """Write the files, those of ``paths`` first. Raises InputError for paths that leave the folder."""
    source = request.contents.source
    os.makedirs(request.into, 0o700, exist_ok=True)
    for path, content in (source.get("paths") or {}).items():
        write_file(request.into, path, str(content).encode())
    for origin in source.get("pathsFrom") or ():
        folder, files = _files(origin, request.references)
        for name, data in files.items():
            write_file(request.into, posixpath.join(folder, name), data)
    return {}


def _files(origin: Mapping[str, Any], references: References) -> tuple[str, Mapping[str, bytes]]:
    """The folder to write to, and name → content."""
    if (ref := origin.get("secretRef")) is not None:
        return str(ref.get("directoryPath") or ""), secret(references, ref)
    if (ref := origin.get("configMapRef")) is not None:
        return str(ref.get("directoryPath") or ""), _named(references.config_maps, ref, "config map")
    raise InputError("Expected either secretRef or configMapRef as a source")


def secret(references: References, ref: Mapping[str, Any] | None) -> Mapping[str, bytes]:
    """The content of the Secret that ``ref`` names; nothing if there is no ``ref``. InputError if it is absent."""
    return _named(references.secrets, ref, "secret") if ref is not None else {}


def _named(
    known: Mapping[str, Mapping[str, bytes]], ref: Mapping[str, Any], kind: str
) -> Mapping[str, bytes]:
    name = str(ref.get("name") or "")
    if name not in known:
        raise InputError(f"Expected to find one {kind} '{name}', but found none")
    return known[name]
