"""How long ago something was, as the server prints it: ``5s``, ``3m35s``, ``26m``, ``5d``."""

from __future__ import annotations

from datetime import datetime

UNKNOWN = "<unknown>"
_DAY = 24


def moment(text: object) -> datetime | None:
    """A time of an object; None if there is none or it cannot be read."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def age(text: object, now: datetime) -> str:
    """The time between ``text`` (RFC 3339) and ``now``."""
    then = moment(text)
    return UNKNOWN if then is None else duration((now - then).total_seconds())


def duration(seconds: float) -> str:
    """Two units at most, and the second one only while it says something."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 120:
        return f"{max(whole, 0)}s"
    minutes = whole // 60
    if minutes < 10:
        return _two(minutes, "m", whole % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    hours = whole // 3600
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 2 * _DAY:
        return f"{hours}h"
    if hours < 8 * _DAY:
        return _two(hours // _DAY, "d", hours % _DAY, "h")
    days = hours // _DAY
    if days < 2 * 365:
        return f"{days}d"
    if days < 8 * 365:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"
