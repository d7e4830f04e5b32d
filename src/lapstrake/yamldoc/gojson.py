"""JSON as Go's ``encoding/json`` writes it: sorted keys, no blanks, HTML characters escaped."""

from __future__ import annotations

from lapstrake.yamldoc.scalars import decimal_digits, exponent_notation, fixed_notation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_HTML = (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e"))


def dumps(value: Any, *, html_escape: bool = True, indent: str = "", sort_keys: bool = True) -> str:
    """The JSON of mappings, sequences and scalars; ``indent`` is what one level of nesting adds.

    Keys that are not strings are written as their text. Raises ValueError for values JSON cannot hold.
    """
    out: list[str] = []
    _Writer(out, html_escape, indent, sort_keys).write(value, "\n")
    return "".join(out)


class _Writer:
    __slots__ = ("html_escape", "indent", "out", "quoted", "sort_keys")

    def __init__(self, out: list[str], html_escape: bool, indent: str, sort_keys: bool) -> None:
        self.out = out
        self.html_escape = html_escape
        self.indent = indent
        self.sort_keys = sort_keys
        from json.encoder import (
            encode_basestring,
        )  # here, because every render imports this module's key_text

        self.quoted = encode_basestring

    def write(self, value: Any, newline: str) -> None:
        if value is None or value is True or value is False:
            self.out.append({None: "null", True: "true", False: "false"}[value])
        elif isinstance(value, str):
            self.out.append(self._string(value))
        elif isinstance(value, int):
            self.out.append(str(value))
        elif isinstance(value, float):
            self.out.append(float_text(value))
        elif isinstance(value, bytes):
            import binascii

            self.out.append(f'"{binascii.b2a_base64(value, newline=False).decode()}"')
        elif hasattr(value, "items"):
            self._mapping(value, newline)
        else:
            self._sequence(value, newline)

    def _mapping(self, value: Mapping[Any, Any], newline: str) -> None:
        if not value:
            self.out.append("{}")
            return
        pairs = [(key if isinstance(key, str) else key_text(key), member) for key, member in value.items()]
        if self.sort_keys:
            pairs.sort(key=_by_key)
        inner, colon = self._level(newline)
        lead = "{" + inner
        for key, member in pairs:
            self.out.append(lead + self._string(key) + colon)
            self.write(member, inner or newline)
            lead = "," + inner
        self.out.append((newline if inner else "") + "}")

    def _sequence(self, value: Any, newline: str) -> None:
        if not value:
            self.out.append("[]")
            return
        inner, _ = self._level(newline)
        lead = "[" + inner
        for member in value:
            self.out.append(lead)
            self.write(member, inner or newline)
            lead = "," + inner
        self.out.append((newline if inner else "") + "]")

    def _level(self, newline: str) -> tuple[str, str]:
        return (newline + self.indent, ": ") if self.indent else ("", ":")

    def _string(self, text: str) -> str:
        quoted = self.quoted(text)
        if self.html_escape:
            for char, escape in _HTML:
                if char in quoted:
                    quoted = quoted.replace(char, escape)
        if not quoted.isascii():
            quoted = quoted.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
            quoted = _without_lone_surrogates(quoted)
        return quoted


def _without_lone_surrogates(text: str) -> str:
    """Halves of characters become U+FFFD, as they do when Go reads JSON."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text


def _by_key(pair: tuple[str, Any]) -> str:
    return pair[0]


def key_text(key: Any) -> str:
    """The text of a key that is not a string, as conversions from YAML to JSON write it."""
    if key is None:
        return "null"
    if isinstance(key, bool):
        return "true" if key else "false"
    return float_text(key) if isinstance(key, float) else str(key)


def float_text(value: float) -> str:
    """A number as Go's encoding/json writes it. Raises ValueError for infinities and NaN."""
    if value != value or value in (float("inf"), float("-inf")):
        name = "NaN" if value != value else ("+Inf" if value > 0 else "-Inf")
        raise ValueError(f"json: unsupported value: {name}")
    sign, digits, point = decimal_digits(value)
    if digits == "0" or 1e-6 <= abs(value) < 1e21:
        return fixed_notation(sign, digits, point)
    text = exponent_notation(sign, digits, point)
    return text[:-2] + text[-1] if text[-4:-1] == "e-0" else text
