"""The methods of strings, and ``%``. Strings are bytes: positions and lengths count bytes of UTF-8.

Nothing here uses the host's own formatting on the user's behalf: neither ``str.format`` nor ``%``.
"""

from __future__ import annotations

from functools import lru_cache

from lapstrake.starlark.arguments import positional, want_bool, want_int, want_iterable, want_string
from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import (
    MAX_REPEATED,
    Value,
    float_text,
    int_text,
    joined_bytes,
    quoted,
    string_bytes,
    string_of,
    to_repr,
    to_text,
    type_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    Method = Callable[[str, tuple[Any, ...], dict[str, Any]], Any]

_SPACE = " \t\n\v\f\r\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


class Elements(Value):
    """What ``elems()`` and its kin give: an iterable without a length."""

    __slots__ = ("method", "source")

    def __init__(self, source: str, method: str) -> None:
        self.source = source
        self.method = method

    def type_name(self) -> str:
        return "codepoints" if self.method.startswith("codepoint") else "elems"

    def text(self) -> str:
        return f"{quoted(self.source)}.{self.method}()"

    def iterate(self) -> Iterator[Any]:
        if self.method == "elems":
            data = string_bytes(self.source)
            return iter([string_of(data[at : at + 1]) for at in range(len(data))])
        if self.method == "elem_ords":
            return iter(list(string_bytes(self.source)))
        chars = ["\ufffd" if "\udc80" <= char <= "\udcff" else char for char in self.source]
        return iter(chars if self.method == "codepoints" else [ord(char) for char in chars])


def _as_units(text: str) -> str:
    """A string with one character per byte, so that positions are those of bytes."""
    return text if text.isascii() else string_bytes(text).decode("latin-1")


def byte_index(text: str, at: int) -> str:
    return text[at] if text.isascii() else string_of(string_bytes(text)[at : at + 1 or None])


def byte_slice(text: str, piece: slice) -> str:
    return text[piece] if text.isascii() else string_of(string_bytes(text)[piece])


# -- searching


def _searching(name: str, find: str, fails: bool) -> Method:
    def method(text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
        found = positional(name, args, kwargs, 1, 3)
        sub = _as_units(want_string(name, 1, found[0]))
        low, high = _range(name, found[1:])
        units = _as_units(text)
        at = (units.find if find == "find" else units.rfind)(sub, low, high)
        if at < 0 and fails:
            raise EvalError(f"{name}: substring not found")
        return at

    return method


def _range(name: str, bounds: Sequence[Any]) -> tuple[int | None, int | None]:
    for number, bound in enumerate(bounds, 2):
        if bound is not None:
            want_int(name, number, bound)
    low = bounds[0] if bounds else None
    return low, bounds[1] if len(bounds) > 1 else None


def _count(text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    found = positional("count", args, kwargs, 1, 3)
    low, high = _range("count", found[1:])
    return _as_units(text).count(_as_units(want_string("count", 1, found[0])), low, high)


def _affix(name: str, at_start: bool) -> Method:
    def method(text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        found = positional(name, args, kwargs, 1, 3)
        wanted = found[0]
        if type(wanted) is tuple:
            for number, item in enumerate(wanted):
                if type(item) is not str:
                    raise EvalError(f"{name}: want string, got {type_name(item)}, for element {number}")
            options = tuple([_as_units(item) for item in wanted])
        elif type(wanted) is str:
            options = (_as_units(wanted),)
        else:
            raise EvalError(f"{name}: got {type_name(wanted)}, want string or tuple of string")
        low, high = _range(name, found[1:])
        units = _as_units(text)[slice(low, high)]
        return units.startswith(options) if at_start else units.endswith(options)

    return method


# -- case and kinds of characters


def _per_char(convert: Callable[[str], str]) -> Callable[[str], str]:
    """Case mapping character by character: what becomes more than one character stays as it is."""

    def change(text: str) -> str:
        if text.isascii():
            return convert(text)
        return "".join([new if len(new := convert(char)) == 1 else char for char in text])

    return change


_upper = _per_char(str.upper)
_lower = _per_char(str.lower)


def _title(text: str) -> str:
    out: list[str] = []
    inside = False
    for char in text:
        out.append(_lower(char) if inside else _upper(char))
        inside = char.isalpha()
    return "".join(out)


def _capitalize(text: str) -> str:
    return _upper(text[:1]) + _lower(text[1:])


def _istitle(text: str) -> bool:
    inside = seen = False
    for char in text:
        if char.isupper() or char.istitle():
            if inside:
                return False
            inside = seen = True
        elif char.islower():
            if not inside:
                return False
            seen = True
        else:
            inside = False
    return seen


def _plain(name: str, function: Callable[[str], Any]) -> Method:
    def method(text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        positional(name, args, kwargs, 0)
        return function(text)

    return method


# -- taking apart and putting together


def _strip(name: str, function: Callable[[str, str], str]) -> Method:
    def method(text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        found = positional(name, args, kwargs, 0, 1)
        chars = want_string(name, 1, found[0]) if found and found[0] is not None else _SPACE
        return function(text, chars)

    return method


def _split(name: str, from_right: bool) -> Method:
    def method(text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
        found = positional(name, args, kwargs, 0, 2)
        separator = found[0] if found else None
        limit = want_int(name, 2, found[1]) if len(found) > 1 and found[1] is not None else -1
        if separator is None:
            return _split_blanks(text, limit, from_right)
        if type(separator) is not str:
            raise EvalError(f"{name}: got {type_name(separator)} for separator, want string")
        if not separator:
            raise EvalError(f"{name}: empty separator")
        return text.rsplit(separator, limit) if from_right else text.split(separator, limit)

    return method


def _split_blanks(text: str, limit: int, from_right: bool) -> list[str]:
    return text.rsplit(None, limit) if from_right else text.split(None, limit)


def _splitlines(text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    found = positional("splitlines", args, kwargs, 0, 1)
    keep = bool(found) and want_bool("splitlines", 1, found[0])
    lines = text.split("\n")
    if keep:
        lines = [line + "\n" for line in lines[:-1]] + lines[-1:]
    if lines and lines[-1] == "":
        lines.pop()
    return lines


def _partition(name: str, from_right: bool) -> Method:
    def method(text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, str, str]:
        separator = want_string(name, 1, positional(name, args, kwargs, 1)[0])
        if not separator:
            raise EvalError(f"{name}: empty separator")
        return text.rpartition(separator) if from_right else text.partition(separator)

    return method


def _join(text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    values = positional("join", args, kwargs, 1)
    parts: list[str] = []
    size = 0
    for part in want_iterable("join", 1, values[0]):
        if type(part) is not str:
            raise EvalError(f"join: in list, want string, got {type_name(part)}")
        parts.append(part)
        size += len(part) + len(text)
        if size > MAX_REPEATED:
            raise EvalError("join: result is too large")
    return joined_bytes(text.join(parts))


def _replace(text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    found = positional("replace", args, kwargs, 2, 3)
    old, new = want_string("replace", 1, found[0]), want_string("replace", 2, found[1])
    count = want_int("replace", 3, found[2]) if len(found) == 3 else -1
    if (text.count(old) + 1) * len(new) > MAX_REPEATED:
        raise EvalError("replace: result is too large")
    return joined_bytes(text.replace(old, new, count))


# -- formatting


def _format(text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    out: list[str] = []
    for literal, name, conversion in _fields(text):
        out.append(literal)
        if type(name) is int:
            if name >= len(args):
                raise EvalError("format: tuple index out of range")
            value = args[name]
        elif name is None:
            continue
        elif conversion == _ERROR:
            raise EvalError(f"format: {name}")
        elif name in kwargs:
            value = kwargs[name]
        else:
            raise EvalError(f"format: keyword {name} not found")
        out.append(to_repr(value) if conversion == "r" else value if type(value) is str else to_repr(value))
    return joined_bytes("".join(out))


_ERROR = "error"
"""Stands for the conversion of a field that is wrong; the field's name is then the complaint."""


@lru_cache(maxsize=512)
def _fields(text: str) -> tuple[tuple[str, str | int | None, str], ...]:
    """What a format is made of: literal text, the field after it (None: none) and the field's conversion.

    A mistake becomes a field of its own at the end, as what stands before it is looked at first.
    """
    fields: list[tuple[str, str | int | None, str]] = []
    literal = ""
    at = automatic = 0
    manual = False
    while True:
        brace = _next_brace(text, at)
        literal += text[at:brace]
        if brace == len(text):
            fields.append((literal, None, ""))
            break
        if text[brace : brace + 2] in ("{{", "}}"):
            literal += text[brace]
            at = brace + 2
            continue
        end = text.find("}", brace)
        try:
            if text[brace] == "}":
                raise EvalError("single '}' in format")
            if end < 0:
                raise EvalError("unmatched '{' in format")
            name, conversion = _field(text[brace + 1 : end])
            field: str | int = name
            if name == "":
                if manual:
                    raise EvalError(
                        "cannot switch from manual field specification to automatic field numbering"
                    )
                field = automatic
                automatic += 1
            elif name.isdecimal() and name.isascii():
                if automatic:
                    raise EvalError(
                        "cannot switch from automatic field numbering to manual field specification"
                    )
                manual = True
                field = int(name[:10])
        except EvalError as error:
            fields.append((literal, error.message, _ERROR))
            break
        fields.append((literal, field, conversion))
        literal = ""
        at = end + 1
    return tuple(fields)


def _next_brace(text: str, at: int) -> int:
    found = [place for place in (text.find("{", at), text.find("}", at)) if place >= 0]
    return min(found, default=len(text))


def _field(field: str) -> tuple[str, str]:
    """A replacement field's name and conversion (``s`` or ``r``)."""
    name, exclamation, rest = field.partition("!")
    conversion = "s"
    if exclamation:
        conversion, _, spec = rest.partition(":")
    else:
        name, _, spec = field.partition(":")
    if "." in name:
        raise EvalError(f"attribute syntax x.y is not supported in replacement fields: {name}")
    if "[" in name:
        raise EvalError(f"element syntax a[i] is not supported in replacement fields: {name}")
    if "{" in name:
        raise EvalError("nested replacement fields not supported")
    if conversion not in ("s", "r"):
        raise EvalError(f'unknown conversion "{conversion}"')
    if spec:
        raise EvalError("format spec features not supported in replacement fields: " + spec)
    return name, conversion


def interpolate(text: str, value: Any) -> str:
    """``text % value``."""
    out: list[str] = []
    values = value if type(value) is tuple else (value,)
    used = 0
    for literal, key, conversion in _conversions(text):
        out.append(literal)
        if not conversion:
            continue
        if key is not None:
            if type(value) is not dict:
                raise EvalError("format requires a mapping")
            if key not in value:
                raise EvalError(f"key not found: {key}")
            argument = value[key]
        elif conversion.startswith("incomplete"):
            raise EvalError(conversion)
        elif used < len(values):
            argument = values[used]
            used += 1
        else:
            raise EvalError("not enough arguments for format string")
        out.append(
            argument if conversion == "s" and type(argument) is str else _converted(conversion, argument)
        )
    if used < len(values) and (type(value) is tuple or (type(value) is not dict and "%(" not in text)):
        raise EvalError("too many arguments for format string")
    return joined_bytes("".join(out))


@lru_cache(maxsize=512)
def _conversions(text: str) -> tuple[tuple[str, str | None, str], ...]:
    """What a format is made of: literal text, the key of the conversion after it if it has one, the conversion."""
    found: list[tuple[str, str | None, str]] = []
    literal = ""
    at = 0
    while True:
        percent = text.find("%", at)
        if percent < 0:
            found.append((literal + text[at:], None, ""))
            return tuple(found)
        literal += text[at:percent]
        at = percent + 1
        key: str | None = None
        if text.startswith("%", at):
            literal += "%"
            at += 1
            continue
        if text.startswith("(", at):
            end = text.find(")", at)
            if end < 0:
                found.append((literal, None, "incomplete format key"))
                return tuple(found)
            key = text[at + 1 : end]
            at = end + 1
        if at == len(text):
            found.append((literal, None, "incomplete format"))
            return tuple(found)
        found.append((literal, key, text[at]))
        literal = ""
        at += 1


def _converted(conversion: str, value: Any) -> str:
    if conversion == "s":
        return to_text(value)
    if conversion == "r":
        return to_repr(value)
    if conversion in "dioxX":
        return _integer(conversion, value)
    if conversion in "eEfFgG":
        if type(value) is int:
            value = float(value)
        if type(value) is not float:
            raise EvalError(f"%{conversion} format requires float, not {type_name(value)}")
        if conversion in "gG":
            return float_text(value).upper() if conversion == "G" else float_text(value)
        return format(value, conversion)
    if conversion == "c":
        if type(value) is int:
            if not 0 <= value <= 0x10FFFF:
                raise EvalError("%c format requires a valid Unicode code point, got " + str(value))
            return chr(value)
        if type(value) is str and len(value) == 1:
            return value
        raise EvalError(f"%c format requires int or single-character string, not {type_name(value)}")
    raise EvalError(f"unknown conversion %{conversion}")


def _integer(conversion: str, value: Any) -> str:
    if type(value) is float:
        if value != value or value in (float("inf"), float("-inf")):
            raise EvalError(
                f"%{conversion} format requires integer: cannot convert float {float_text(value)} to integer"
            )
        value = int(value)
    if type(value) is not int:
        raise EvalError(f"%{conversion} format requires integer: cannot convert {type_name(value)} to int")
    return int_text(value) if conversion in "di" else format(value, conversion)


def _elements(name: str) -> Method:
    def method(text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Elements:
        positional(name, args, kwargs, 0)
        return Elements(text, name)

    return method


def java_hash(text: str) -> int:
    """The 32-bit hash that ``hash()`` gives, over the string's code points."""
    value = 0
    for char in text:
        value = (31 * value + ord(char)) & 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


STRING_METHODS: dict[str, Method] = {
    "capitalize": _plain("capitalize", _capitalize),
    "codepoint_ords": _elements("codepoint_ords"),
    "codepoints": _elements("codepoints"),
    "count": _count,
    "elem_ords": _elements("elem_ords"),
    "elems": _elements("elems"),
    "endswith": _affix("endswith", False),
    "find": _searching("find", "find", False),
    "format": _format,
    "index": _searching("index", "find", True),
    "isalnum": _plain("isalnum", lambda text: bool(text) and all(c.isalpha() or c.isdecimal() for c in text)),
    "isalpha": _plain("isalpha", str.isalpha),
    "isdigit": _plain("isdigit", str.isdecimal),
    "islower": _plain("islower", str.islower),
    "isspace": _plain("isspace", lambda text: bool(text) and all(char in _SPACE for char in text)),
    "istitle": _plain("istitle", _istitle),
    "isupper": _plain("isupper", str.isupper),
    "join": _join,
    "lower": _plain("lower", _lower),
    "lstrip": _strip("lstrip", str.lstrip),
    "partition": _partition("partition", False),
    "replace": _replace,
    "rfind": _searching("rfind", "rfind", False),
    "rindex": _searching("rindex", "rfind", True),
    "rpartition": _partition("rpartition", True),
    "rsplit": _split("rsplit", True),
    "rstrip": _strip("rstrip", str.rstrip),
    "split": _split("split", False),
    "splitlines": _splitlines,
    "startswith": _affix("startswith", True),
    "strip": _strip("strip", str.strip),
    "title": _plain("title", _title),
    "upper": _plain("upper", _upper),
}
