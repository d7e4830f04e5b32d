"""The source ``inline``: files from the configuration itself, and from Secrets and ConfigMaps."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

from lapstrake.adapters.file_tree import inner_path, make_private_folders, write_file
from lapstrake.errors import InputError
from lapstrake.messages import reason
from lapstrake.operations.sync import FetchRequest
from lapstrake.vendir.config import References


def fetch_inline(request: FetchRequest) -> Mapping[str, Any]:
    """Write the files, those of ``paths`` first. Raises InputError for paths that leave the folder."""
    source = request.contents.source
    for path, content in (source.get("paths") or {}).items():
        _write(request.into, path, str(content).encode())
    for origin in source.get("pathsFrom") or ():
        folder, files = _files(origin or {}, request.references)
        for name, data in files.items():
            _write(request.into, posixpath.join(folder, name), data)
    return {}


def _write(folder: str, path: str, data: bytes) -> None:
    target = inner_path(folder, path)
    parent = os.path.dirname(target)
    try:
        make_private_folders(parent)
    except OSError as e:
        why = "not a directory" if isinstance(e, FileExistsError) else reason(e)
        raise InputError(f"Making parent directory '{parent}': mkdir {e.filename}: {why}") from e
    try:
        write_file(folder, path, data)
    except OSError as e:
        raise InputError(f"Writing file '{target}': open {target}: {reason(e)}") from e


def _files(origin: Mapping[str, Any], references: References) -> tuple[str, Mapping[str, bytes]]:
    """The folder to write to, and name → content."""
    if (ref := origin.get("secretRef")) is not None:
        return str(ref.get("directoryPath") or ""), secret(references, ref)
    if (ref := origin.get("configMapRef")) is not None:
        if ref.get("name") in references.several_config_maps:
            raise InputError(f"Expected to find one config map '{ref['name']}', but found multiple")
        return str(ref.get("directoryPath") or ""), _named(references.config_maps, ref, "config map")
    raise InputError("Expected either secretRef or configMapRef as a source")


def secret(references: References, ref: Mapping[str, Any] | None) -> Mapping[str, bytes]:
    """The content of the Secret that ``ref`` names; nothing if there is no ``ref``. InputError if it is absent."""
    return _named(references.secrets, ref, "secret") if ref is not None else {}


def secret_with(
    references: References, ref: Mapping[str, Any] | None, keys: Iterable[str]
) -> Mapping[str, bytes]:
    """As ``secret``, and InputError for a key that is not one of ``keys``."""
    found = secret(references, ref)
    if unknown := next((key for key in sorted(found) if key not in keys), None):
        raise InputError(f"Unknown secret field '{unknown}' in secret '{(ref or {}).get('name')}'")
    return found


def _named(
    known: Mapping[str, Mapping[str, bytes]], ref: Mapping[str, Any], kind: str
) -> Mapping[str, bytes]:
    name = str(ref.get("name") or "")
    if name not in known:
        raise InputError(f"Expected to find one {kind} '{name}', but found none")
    return known[name]
