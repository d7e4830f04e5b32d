"""JSON as Go's decoder takes it: the same values as Python's, but with Go's words for what is no JSON, or does not fit.

Halves of characters are replaced, as in Go: no text could be made of them again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from lapstrake.errors import InputError

_BLANK = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'[^"\\\x00-\x1f]*')
_TOKEN = re.compile(
    r'"(?:[^"\\]+|\\.)*"?|[\[\]{}]', re.DOTALL
)  # a string, which may lack its end, or a bracket
_LITERALS = {"t": "true", "f": "false", "n": "null"}
_DEEPEST = 500  # Go takes 10,000; what reads the value here goes down by calls
_HALF = re.compile("[\ud800-\udfff]")  # of a character that takes two in UTF-16
_MAYBE_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def from_json(data: bytes) -> Any:
    """The value of a JSON text. Raises InputError in the words of Go's ``encoding/json``."""
    text = data.decode("utf-8", "replace")
    if _may_be_deep(text):
        _Scan(text).whole()
    try:
        return _with_whole_characters(_DECODER.decode(text), text)
    except ValueError as error:
        _Scan(text).whole()
        raise InputError(str(error)) from error  # a number of thousands of digits


def first_value(data: bytes) -> Any:
    """The JSON value that ``data`` begins with, as Go reads one from a stream. Raises InputError in Go's words."""
    text = data.decode("utf-8", "replace").lstrip(" \t\r\n")
    if not text:
        raise InputError("EOF")
    try:
        if _may_be_deep(text):
            _Scan(text, streamed=True).value()
        try:
            return _with_whole_characters(_DECODER.raw_decode(text)[0], text)
        except ValueError as error:
            _Scan(text, streamed=True).value()
            raise InputError(str(error)) from error
    except InputError as error:
        raise InputError(str(error).replace(_END, "unexpected EOF")) from error


def json_kind(value: object) -> str:
    """What Go's decoder calls a value in its errors."""
    if value is None:
        return "null"
    kinds = ((str, "string"), (bool, "bool"), (list | tuple, "array"), (Mapping, "object"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "number")


def json_mismatch(value: object, place: str) -> InputError:
    """What Go says of a value that is not of the type of its ``place``, such as "value of type string"."""
    return InputError(f"json: cannot unmarshal {json_kind(value)} into Go {place}")


def json_record(value: object, place: str) -> Mapping[str, Any]:
    """A JSON object, or null for an empty one; else InputError as of :func:`json_mismatch`."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise json_mismatch(value, place)
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
_END = "unexpected end of JSON input"


def _may_be_deep(text: str) -> bool:
    """Whether more is open at once than may be; large texts that are flat are not worth a scan of our own."""
    if text.count("[") + text.count("{") <= _DEEPEST:
        return False
    depth = 0
    for found in _TOKEN.finditer(text):
        if found[0] in "[{":
            depth += 1
            if depth > _DEEPEST:
                return True
        elif found[0] in "]}":
            depth -= 1
    return False


def _with_whole_characters(value: Any, text: str) -> Any:
    return _whole_characters(value) if _MAYBE_HALF.search(text) else value


def _whole_characters(value: Any) -> Any:
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_whole_characters(key): _whole_characters(member) for key, member in value.items()}
    return [_whole_characters(member) for member in value] if isinstance(value, list) else value


class _Scan:
    """Looks for the first character that does not belong; values are left to Python."""

    def __init__(self, text: str, *, streamed: bool = False) -> None:
        self._text = text
        self._at = 0
        self._streamed = streamed

    def whole(self) -> None:
        """One value and nothing else."""
        self.value()
        self._blank()
        if self._at < len(self._text):
            raise self._wrong("after top-level value")

    def value(self) -> None:
        """One value. What is open is kept in a list, so that depth costs no stack."""
        open_ends: list[str] = []
        self._blank()
        while True:
            opened = self._value_begins()
            if opened:
                if len(open_ends) == _DEEPEST:
                    raise InputError("exceeded max depth")
                open_ends.append(opened)
                continue
            while open_ends:
                self._blank()
                if self._closes(open_ends[-1]):
                    open_ends.pop()
                    continue
                break
            if not open_ends:
                return

    def _value_begins(self) -> str:
        """Past a scalar or an empty collection (""), or into a collection (its end)."""
        character = self._next()
        if character == '"':
            self._string()
        elif character == "{":
            self._blank()
            if self._peek() != "}":
                self._key()
                return "}"
            self._at += 1
        elif character == "[":
            self._blank()
            if self._peek() != "]":
                return "]"
            self._at += 1
        elif character in _LITERALS:
            self._literal(_LITERALS[character])
        elif character == "-" or character in "0123456789":
            self._number(character)
        else:
            self._at -= 1
            raise self._wrong("looking for beginning of value")
        return ""

    def _closes(self, end: str) -> bool:
        """Whether the collection that ``end`` ends is over; if not, the next value follows."""
        character = self._next()
        if character == end:
            return True
        if character != ",":
            self._at -= 1
            raise self._wrong("after array element" if end == "]" else "after object key:value pair")
        self._blank()
        if end == "}":
            self._key()
        return False

    def _key(self) -> None:
        if self._next() != '"':
            self._at -= 1
            raise self._wrong("looking for beginning of object key string")
        self._string()
        self._blank()
        if self._next() != ":":
            self._at -= 1
            raise self._wrong("after object key")
        self._blank()

    def _string(self) -> None:
        while True:
            self._at = _STRING.match(self._text, self._at).end()  # type: ignore[union-attr]
            character = self._next()
            if character == '"':
                return
            if character != "\\":
                self._at -= 1
                raise self._wrong("in string literal")
            if (escape := self._inside()) == "u":
                for _ in range(4):
                    if self._inside() not in "0123456789abcdefABCDEF":
                        self._at -= 1
                        raise self._wrong("in \\u hexadecimal character escape")
            elif escape not in '"\\/bfnrt':
                self._at -= 1
                raise self._wrong("in string escape code")

    def _literal(self, word: str) -> None:
        for expected in word[1:]:
            if self._inside() != expected:
                self._at -= 1
                raise self._wrong(f"in literal {word} (expecting '{expected}')")

    def _number(self, first: str) -> None:
        if first == "-":
            first = self._digit("in numeric literal")
        if first != "0":
            self._digits()
        if self._peek() == ".":
            self._at += 1
            self._digit("after decimal point in numeric literal")
            self._digits()
        if self._peek() in ("e", "E"):
            self._at += 1
            if self._peek() in ("+", "-"):
                self._at += 1
            self._digit("in exponent of numeric literal")
            self._digits()

    def _digit(self, where: str) -> str:
        character = self._inside()
        if character not in "0123456789":
            self._at -= 1
            raise self._wrong(where)
        return character

    def _digits(self) -> None:
        while (character := self._peek()) and character in "0123456789":
            self._at += 1

    def _blank(self) -> None:
        self._at = _BLANK.match(self._text, self._at).end()  # type: ignore[union-attr]

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise InputError(_END)
        self._at += 1
        return self._text[self._at - 1]

    def _inside(self) -> str:
        """The next character of a word, a number or an escape.

        Go tries a blank at the end of a text, though not of a stream, and here it does not belong.
        """
        if self._streamed:
            return self._next()
        self._at += 1
        return self._text[self._at - 1 : self._at] or " "

    def _wrong(self, where: str) -> InputError:
        character = self._peek() or " "
        shown = {"'": "\\'", '"': '"', "\\": "\\\\"}.get(character) or json.dumps(character)[1:-1]
        if ord(character) < 0x20 and len(shown) == 6:
            shown = f"\\x{ord(character):02x}"
        elif ord(character) > 0x7F:
            # Go looks at bytes.
            shown = chr(character.encode()[0])
            shown = shown if shown.isprintable() else f"\\u{ord(shown):04x}"
        return InputError(f"invalid character '{shown}' {where}")
