"""The values of flags, read and shown as pflag and Go's strconv and time do."""

from __future__ import annotations

import re

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
        return _comma_separated(text, shown)
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
    return _refused(text, shown, f"strconv.{function}: parsing {_in_quotes(text)}: {problem}")


def _go_integer(text: str) -> int:
    """A number as Go reads it: ``0x`` for hexadecimal, ``0`` for octal. Raises ValueError."""
    if text != text.strip():
        raise ValueError(text)
    digits = text.lstrip("+-")
    return int(text, 8) if len(digits) > 1 and digits.isdecimal() and digits[0] == "0" else int(text, 0)


def _pairs(text: str, shown: str) -> dict[str, str]:
    """``key=value`` pairs between commas; a single pair may have commas of its own."""
    count = text.count("=")
    parts = [text.strip('"')] if count == 1 else _comma_separated(text, shown) if count else [text]
    for part in parts:
        if "=" not in part:
            raise _refused(text, shown, f"{part} must be formatted as key=value")
    return {key: value for key, _, value in (part.partition("=") for part in parts)}


def duration(text: str, shown: str) -> float:
    """Seconds of a Go duration such as ``1h30m`` or ``250ms``."""
    sign = -1.0 if text.startswith("-") else 1.0
    body = text.lstrip("+-")
    if body == "0":
        return 0.0
    parts = re.findall(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)", body)
    if not parts or "".join(number + unit for number, unit in parts) != body:
        problem = "missing unit in duration" if body.replace(".", "").isdigit() else "invalid duration"
        raise _refused(text, shown, f"time: {problem} {_in_quotes(text)}")
    return sign * sum(float(number) * _UNITS[unit] for number, unit in parts)


def _comma_separated(text: str, shown: str) -> list[str]:
    """The fields of the first line of ``text``; those in quotes may have commas, line breaks and doubled quotes.

    Raises UsageError in the words of Go's encoding/csv.
    """
    if '"' not in text:
        line = text.split("\n")[0].removesuffix("\r")
        return line.split(",") if line else []
    fields: list[str] = []
    at = 0
    while True:
        if text.startswith('"', at):
            field, at = _quoted_field(text, at + 1, shown)
        else:
            field = re.split(r"[,\n]", text[at:], maxsplit=1)[0]
            if '"' in field:
                raise _malformed(text, shown, at + field.index('"'), 'bare " in non-quoted-field')
            at += len(field)
        fields.append(field)
        if not text.startswith(",", at):
            return fields
        at += 1


def _quoted_field(text: str, at: int, shown: str) -> tuple[str, int]:
    """What stands from ``at`` to the closing quote, and where that ends."""
    found = re.match(r'((?:[^"]|"")*)"', text[at:])
    end = at + found.end() if found else len(text) + 1
    if not found or text[end : end + 1] not in ("", ",", "\n"):
        raise _malformed(text, shown, end - 1, 'extraneous or missing " in quoted-field')
    return found[1].replace('""', '"'), end


def _malformed(text: str, shown: str, at: int, problem: str) -> UsageError:
    return _refused(text, shown, f"parse error on line 1, column {at + 1}: {problem}")


def _refused(text: str, shown: str, why: str) -> UsageError:
    return UsageError(f'invalid argument {_in_quotes(text)} for "{shown}" flag: {why}')


def _in_quotes(text: str) -> str:
    """As Go quotes a text."""
    import json

    return json.dumps(text, ensure_ascii=False)


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
