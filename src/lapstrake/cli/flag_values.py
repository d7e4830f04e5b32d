"""The values of flags, read and shown as pflag and Go's strconv and time do."""

from __future__ import annotations

from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SHOWN_KIND = {
    "bool": "",
    "strings": "strings",
    "array": "stringArray",
    "int": "int",
    "float": "float32",
    "duration": "duration",
    "string": "string",
    "map": "stringToString",
}
_LARGEST_INT = (1 << 63) - 1
_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class UsageError(InputError):
    """A wrong flag or argument."""


def read_value(kind: str, text: str, shown: str) -> Any:
    """What ``text`` says for a flag of ``kind``; ``shown`` names the flag in a UsageError."""
    if kind == "string":
        return text
    if kind == "array":
        return [text]
    if kind == "strings":
        return _comma_separated(text)
    if kind == "bool":
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise _unreadable(text, shown, "ParseBool", "invalid syntax")
    if kind == "map":
        return _pairs(text, shown)
    if kind == "duration":
        return duration(text, shown)
    try:
        number = _go_integer(text) if kind == "int" else float(text)
    except ValueError:
        function = "ParseInt" if kind == "int" else "ParseFloat"
        raise _unreadable(text, shown, function, "invalid syntax") from None
    if kind == "int" and not -_LARGEST_INT - 1 <= number <= _LARGEST_INT:
        raise _unreadable(text, shown, "ParseInt", "value out of range")
    return number


def _unreadable(text: str, shown: str, function: str, problem: str) -> UsageError:
    return UsageError(
        f'invalid argument "{text}" for "{shown}" flag: strconv.{function}: parsing "{text}": {problem}'
    )


def _go_integer(text: str) -> int:
    """A number as Go reads it: ``0x`` for hexadecimal, ``0`` for octal. Raises ValueError."""
    if text != text.strip():
        raise ValueError(text)
    digits = text.lstrip("+-")
    return int(text, 8) if len(digits) > 1 and digits.isdecimal() and digits[0] == "0" else int(text, 0)


def _pairs(text: str, shown: str) -> dict[str, str]:
    """``key=value`` pairs between commas; a single pair may have commas of its own."""
    parts = [text.strip('"')] if text.count("=") == 1 else _comma_separated(text) if "=" in text else [text]
    for part in parts:
        if "=" not in part:
            raise UsageError(
                f'invalid argument "{text}" for "{shown}" flag: {part} must be formatted as key=value'
            )
    return {key: value for key, _, value in (part.partition("=") for part in parts)}


def duration(text: str, shown: str) -> float:
    """Seconds of a Go duration such as ``1h30m`` or ``250ms``."""
    import re

    sign = -1.0 if text.startswith("-") else 1.0
    body = text.lstrip("+-")
    if body == "0":
        return 0.0
    parts = re.findall(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)", body)
    if not parts or "".join(number + unit for number, unit in parts) != body:
        problem = "missing unit in duration" if body.replace(".", "").isdigit() else "invalid duration"
        raise UsageError(f'invalid argument "{text}" for "{shown}" flag: time: {problem} "{text}"')
    return sign * sum(float(number) * _UNITS[unit] for number, unit in parts)


def _comma_separated(text: str) -> list[str]:
    if not text:
        return []
    if '"' not in text:
        return text.split(",")
    import csv

    return next(csv.reader([text]))


def shown_duration(seconds: float) -> str:
    """Seconds as Go prints a duration: ``30s``, ``15m0s``, ``1h0m0s``, ``500ms``."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:g}ms"
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    text = f"{rest:g}s"
    if hours or minutes:
        text = f"{minutes:g}m{text}"
    return f"{hours:g}h{text}" if hours else text
