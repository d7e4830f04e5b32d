"""``tagSelection`` and ``refSelection``: the highest version among tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lapstrake.errors import InputError
from lapstrake.versions import Prereleases, highest


def selected_tag(tags: Iterable[str], selection: Mapping[str, Any]) -> str:
    """The tag that ``{semver: {constraints, prereleases: {identifiers}}}`` selects. Raises InputError."""
    semver = selection.get("semver")
    if not isinstance(semver, Mapping):
        raise InputError("Unsupported version selection type (currently supported: semver)")
    prereleases = semver.get("prereleases")
    allowed = None
    if isinstance(prereleases, Mapping):
        allowed = Prereleases(tuple(str(i) for i in prereleases.get("identifiers") or ()))
    return highest(tags, str(semver.get("constraints") or ""), allowed).text
