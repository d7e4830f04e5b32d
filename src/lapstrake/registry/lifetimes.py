"""Tags that say how long they live: ``45s``, ``30m``, ``2h``, ``1d``, ``1w``."""

from __future__ import annotations

import re

LONGEST = 30 * 86400.0  # seconds; a tag that asks for more gets this

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_DURATION = re.compile(r"([1-9]\d{0,5})([smhdw])")


def lifetime(tag: str) -> float | None:
    """Seconds that a tag lives, None for ever."""
    match = _DURATION.fullmatch(tag)
    return min(int(match[1]) * _UNITS[match[2]], LONGEST) if match else None


def is_internal(tag: str) -> bool:
    """Whether imgpkg set the tag for its own use: it names a digest and keeps nothing alive."""
    return re.fullmatch(r"sha256-[0-9a-f]{64}(\.image-locations)?\.imgpkg", tag) is not None
