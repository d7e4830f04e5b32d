"""Which of the fetched files stay."""

from __future__ import annotations

from collections.abc import Iterable

from lapstrake.errors import InputError
from lapstrake.vendir.config import DEFAULT_LEGAL_PATHS, Contents
from lapstrake.vendir.globs import matcher


def kept(paths: Iterable[str], contents: Contents) -> set[str]:
    """Those of ``paths`` (relative, ``/``) that are included and not excluded, or legal texts.

    Raises InputError if none is left, and for a broken pattern, even where another one decides.
    """
    included = matcher(contents.include_paths) if contents.include_paths else lambda path: True
    excluded = matcher(contents.exclude_paths)
    legal = matcher(DEFAULT_LEGAL_PATHS if contents.legal_paths is None else contents.legal_paths)
    asked = [(path, included(path), excluded(path), legal(path)) for path in paths]
    found = {path for path, wanted, unwanted, is_legal in asked if (wanted and not unwanted) or is_legal}
    if not found:
        raise InputError("Expected to find at least one file within directory")
    return found


def ignored(paths: Iterable[str], contents: Contents) -> set[str]:
    """Those of ``paths`` in the old folder that the sync must leave as they are."""
    if not contents.ignore_paths:
        return set()
    matches = matcher(contents.ignore_paths)
    return {path for path in paths if matches(path)}
