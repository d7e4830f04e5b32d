"""``@ytt:version``: requirements on the tool itself."""

from __future__ import annotations

import re

from lapstrake.starlark.errors import EvalError
from lapstrake.ytt.modules.function import a_string, exactly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

YTT_VERSION = "0.48.0"
"""The version of ytt whose behaviour this is."""

_SEMVER = re.compile(r"v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:[-+].*)?")


def version_members(host: object) -> dict[str, Any]:
    return {"require_at_least": _require_at_least}


def _require_at_least(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    text = a_string(exactly(args, 1)[0])
    found = _SEMVER.fullmatch(text)
    if found is None:
        raise EvalError(f"version string '{text}' must be a valid semver")
    wanted = tuple(int(part) for part in found.groups())
    if wanted > tuple(int(part) for part in YTT_VERSION.split(".")):
        raise EvalError(f"ytt version '{YTT_VERSION}' does not meet the minimum required version '{text}'")
