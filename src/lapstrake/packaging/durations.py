"""Durations as Go writes them: ``10m0s``, ``1h30m``, ``1.5s``."""

from __future__ import annotations

import re

from lapstrake.errors import InputError

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60 * 1_000_000_000,
    "h": 3600 * 1_000_000_000,
}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


def nanoseconds(text: str) -> int:
    """The length of ``text``; raises InputError with Go's words."""
    body = text.lstrip("+-") if text[:1] in ("+", "-") else text
    if body == "0":
        return 0
    end, total = 0, 0
    for part in _PART.finditer(body):
        if part.start() != end:
            break
        end = part.end()
        whole, _, fraction = part.group(1).partition(".")
        unit = _UNITS[part.group(2)]
        total += int(whole or "0") * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)
    if not body or end != len(body):
        raise InputError(f'time: invalid duration "{text}"')
    return -total if text.startswith("-") else total


def seconds(text: str) -> float:
    """As :func:`nanoseconds`, in seconds."""
    return nanoseconds(text) / 1e9


def written(length: int) -> str:
    """Nanoseconds as Go prints them: ``600000000000`` is ``10m0s``."""
    if length < 0:
        return "-" + written(-length)
    if length == 0:
        return "0s"
    for unit in ("ns", "µs", "ms"):
        limit = {"ns": 1_000, "µs": 1_000_000, "ms": 1_000_000_000}[unit]
        if length < limit:
            return _decimal(length, _UNITS[unit]) + unit
    minutes, rest = divmod(length, 60 * _UNITS["s"])
    text = _decimal(rest, _UNITS["s"]) + "s"
    if minutes >= 60:
        return f"{minutes // 60}h{minutes % 60}m{text}"
    return f"{minutes}m{text}" if minutes else text


def _decimal(length: int, unit: int) -> str:
    whole, rest = divmod(length, unit)
    if not rest:
        return str(whole)
    digits = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}"
