"""Starlark values as Python objects, and what is true of all of them.

==================  ==========================================================================
NoneType, bool      None, bool; a bool is never an int here
int, float          int, float
string              str; a string is UTF-8 bytes, and bytes that are not UTF-8 are surrogate
                    escapes (U+DC80..U+DCFF)
list, tuple, dict   list, tuple, dict (keys in the form ``key_of`` gives)
set, range          StarlarkSet, range
function            a Python function compiled by this package
builtins, the rest  subclasses of Value
==================  ==========================================================================
"""

from __future__ import annotations

from types import FunctionType

from lapstrake.starlark.errors import EvalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, NoReturn

MAX_REPEATED = 1 << 26
"""Bounds what repetition, padding and joining may build: elements or bytes."""


MAX_INTEGER = 1 << 17
"""How many bits a product may have: forty thousand digits."""


MAX_VISITED = 1_000_000
"""How many elements a comparison or a key may look at; shared parts count each time."""


MAX_SHOWN = 2_000_000
"""Of how many pieces the text of a value may be made; shared parts count each time."""


class Value:
    """A value of an extension. Override what it can do; the rest fails with the language's own words."""

    __slots__ = ()

    def type_name(self) -> str:
        raise NotImplementedError

    def text(self) -> str:
        """The value as ``str()`` and ``repr()`` show it."""
        return f"<{self.type_name()}>"

    def attr(self, name: str) -> Any:
        """The attribute, or ``ABSENT``."""
        return ABSENT

    def attr_names(self) -> Sequence[str]:
        return ()

    def index(self, key: Any) -> Any:
        raise EvalError(f"unhandled index operation {self.type_name()}[{type_name(key)}]")

    def set_index(self, key: Any, value: Any) -> None:
        raise EvalError(f"{self.type_name()} value does not support item assignment")

    def set_attr(self, name: str, value: Any) -> None:
        raise EvalError(f"can't assign to .{name} field of {self.type_name()}")

    def slice(self, low: Any, high: Any, step: Any) -> Any:
        raise EvalError(f"invalid slice operand {self.type_name()}")

    def length(self) -> int | None:
        """How many elements, or None if there is no such number."""
        return None

    def iterate(self) -> Iterator[Any] | None:
        return None

    def entries_of(self) -> Iterator[tuple[Any, Any]] | None:
        """Keys with their values, of a value that ``dict()`` and ``**`` take for a mapping."""
        return None

    def contains(self, item: Any) -> bool | None:
        return None

    def binary(self, op: str, other: Any, reflected: bool) -> Any:
        """``self op other`` (``other op self`` if reflected), or ``ABSENT``."""
        return ABSENT

    def equals(self, other: Any) -> bool:
        return self is other

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise EvalError(f"invalid call of non-function ({self.type_name()})")

    def hash_key(self) -> Any:
        """What stands for the value as a dict key; raises EvalError if it cannot be one."""
        raise EvalError(f"unhashable type: {self.type_name()}")

    def children(self) -> Iterable[Any]:
        """The values that freeze together with this one."""
        return ()

    def freeze(self) -> None:
        """Refuse changes from now on."""


class _Absent:
    __slots__ = ()


ABSENT = _Absent()


class Builtin(Value):
    """A function of ours. ``run(args, kwargs)`` checks its arguments itself; ``receiver`` makes it a method."""

    __slots__ = ("name", "receiver", "run")

    def __init__(
        self, name: str, run: Callable[[tuple[Any, ...], dict[str, Any]], Any], receiver: Any = ABSENT
    ) -> None:
        self.name = name
        self.run = run
        self.receiver = receiver

    def type_name(self) -> str:
        return "builtin_function_or_method"

    def text(self) -> str:
        if self.receiver is ABSENT:
            return f"<built-in function {self.name}>"
        return f"<built-in method {self.name} of {type_name(self.receiver)} value>"

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self.run(args, kwargs)

    def hash_key(self) -> Any:
        return self


class BoolKey:
    """True or False as a dict key, where Python would take it for 1 or 0."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value

    def __repr__(self) -> str:
        return repr(self.value)


TRUE_KEY = BoolKey(True)
FALSE_KEY = BoolKey(False)


def key_of(value: Any) -> Any:
    """The form in which ``value`` stands as a key in a dict or set; raises EvalError if it cannot."""
    kind = type(value)
    if kind is str or kind is int or value is None:
        return value
    if kind is bool:
        return TRUE_KEY if value else FALSE_KEY
    if kind is float or kind is FunctionType:
        return value
    if kind is tuple:
        return _tuple_key(value, _Visits())
    if isinstance(value, Value):
        return value.hash_key()
    raise EvalError(f"unhashable type: {type_name(value)}")


class _Visits:
    """Counts the elements that one operation on shared values looks at."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_VISITED

    def count(self, elements: int) -> None:
        self.left -= elements
        if self.left < 0:
            raise EvalError("value is too large to be compared")


def _tuple_key(value: tuple[Any, ...], visits: _Visits) -> Any:
    visits.count(len(value) + 1)
    return tuple([_tuple_key(item, visits) if type(item) is tuple else key_of(item) for item in value])


def value_of(key: Any) -> Any:
    """The value that stands behind a key."""
    kind = type(key)
    if kind is BoolKey:
        return key.value
    if kind is tuple:
        return tuple([value_of(item) for item in key])
    return key


def keys_of(mapping: Iterable[Any]) -> list[Any]:
    """The keys of a dict (or set) as values."""
    return [key if type(key) is str else value_of(key) for key in mapping]


class StarlarkSet(Value):
    """A set in order of insertion; ``entries`` maps keys to None."""

    __slots__ = ("entries",)

    def __init__(self, entries: dict[Any, None] | None = None) -> None:
        self.entries: dict[Any, None] = {} if entries is None else entries

    @classmethod
    def of(cls, values: Iterable[Any]) -> StarlarkSet:
        return cls({key_of(value): None for value in values})

    def __bool__(self) -> bool:
        return bool(self.entries)

    def type_name(self) -> str:
        return "set"

    def text(self) -> str:
        return f"set({to_repr(keys_of(self.entries))})" if self.entries else "set([])"

    def length(self) -> int:
        return len(self.entries)

    def iterate(self) -> Iterator[Any]:
        return iter(keys_of(self.entries))

    def contains(self, item: Any) -> bool:
        return key_of(item) in self.entries

    def attr_names(self) -> Sequence[str]:
        return ("union",)

    def attr(self, name: str) -> Any:
        return Builtin("union", self._union, self) if name == "union" else ABSENT

    def _union(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> StarlarkSet:
        if len(args) != 1 or kwargs:
            raise EvalError(f"union: got {len(args)} arguments, want 1")
        values = iterate_plain(args[0])
        if values is None:
            raise EvalError(f"union: for parameter 1: got {type_name(args[0])}, want iterable")
        return StarlarkSet({**self.entries, **{key_of(value): None for value in values}})

    def equals(self, other: Any) -> bool:
        return isinstance(other, StarlarkSet) and self.entries.keys() == other.entries.keys()

    def binary(self, op: str, other: Any, reflected: bool) -> Any:
        if not isinstance(other, StarlarkSet) or reflected:
            return ABSENT
        mine, theirs = self.entries, other.entries
        if op == "|":
            return StarlarkSet({**mine, **theirs})
        if op == "&":
            return StarlarkSet({key: None for key in mine if key in theirs})
        if op == "^":
            only_mine = {key: None for key in mine if key not in theirs}
            return StarlarkSet({**only_mine, **{key: None for key in theirs if key not in mine}})
        return ABSENT


_TYPE_NAMES: dict[type, str] = {
    type(None): "NoneType",
    bool: "bool",
    int: "int",
    float: "float",
    str: "string",
    list: "list",
    tuple: "tuple",
    dict: "dict",
    range: "range",
    FunctionType: "function",
}


def type_name(value: Any) -> str:
    name = _TYPE_NAMES.get(type(value))
    if name is not None:
        return name
    return value.type_name() if isinstance(value, Value) else "unknown"


def to_text(value: Any) -> str:
    """The value as ``str()`` shows it."""
    return value if type(value) is str else to_repr(value)


def to_repr(value: Any) -> str:
    """The value as ``repr()`` shows it."""
    out = _Pieces()
    _write(value, out, ())
    return "".join(out)


class _Pieces(list[str]):
    """The pieces of a text; ``size`` counts the characters of the strings in it."""

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size = 0


def _write(value: Any, out: _Pieces, path: tuple[int, ...]) -> None:
    kind = type(value)
    if kind is str:
        out.size += len(value)
        if out.size > MAX_REPEATED:
            raise EvalError("text of the value is too large")
        out.append(quoted(value))
    elif kind is bool or value is None:
        out.append(str(value))
    elif kind is int:
        out.append(int_text(value))
    elif kind is float:
        out.append(float_text(value))
    elif kind is list or kind is tuple or kind is dict:
        if id(value) in path:
            out.append("{...}" if kind is dict else "[...]")
        else:
            _write_collection(value, out, (*path, id(value)))
    elif kind is range:
        out.append(_range_text(value))
    elif kind is FunctionType:
        out.append(f"<function {function_name(value)}>")
    elif isinstance(value, Value):
        out.append(value.text())
    elif kind is BoolKey:
        out.append(str(value.value))
    else:
        out.append("<unknown>")


def _write_collection(value: Any, out: _Pieces, path: tuple[int, ...]) -> None:
    kind = type(value)
    if len(out) > MAX_SHOWN:
        raise EvalError("text of the value is too large")
    if kind is dict:
        out.append("{")
        for number, (key, item) in enumerate(value.items()):
            out.append(", " if number else "")
            _write(key, out, path)
            out.append(": ")
            _write(item, out, path)
        out.append("}")
        return
    out.append("[" if kind is list else "(")
    for number, item in enumerate(value):
        out.append(", " if number else "")
        _write(item, out, path)
    if kind is list:
        out.append("]")
    else:
        out.append(",)" if len(value) == 1 else ")")


def _range_text(value: range) -> str:
    if value.step != 1:
        return f"range({value.start}, {value.stop}, {value.step})"
    return f"range({value.start}, {value.stop})" if value.start else f"range({value.stop})"


def function_name(function: Any) -> str:
    """The name of a compiled function as messages show it."""
    name: str = function.__code__.co_name
    return "lambda" if name == "<lambda>" else name


def int_text(value: int) -> str:
    if -(1 << 1024) < value < 1 << 1024:
        return str(value)
    return _big_text(value)


def _big_text(value: int) -> str:
    """Decimal digits of a number beyond the interpreter's limit for ``str``."""
    if value < 0:
        return "-" + _big_text(-value)
    parts: list[str] = []
    base = 10**300
    while value:
        value, low = divmod(value, base)
        parts.append(str(low).zfill(300))
    return "".join(reversed(parts)).lstrip("0")


def float_text(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:g}"


_QUOTED = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}


def quoted(text: str) -> str:
    """A string as a literal in double quotes."""
    if text.isalnum():
        return f'"{text}"'
    return '"' + "".join([_quoted_char(char) for char in text]) + '"'


def _quoted_char(char: str) -> str:
    simple = _QUOTED.get(char)
    if simple is not None:
        return simple
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if char.isprintable():
        return char
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def joined_bytes(text: str) -> str:
    """``text`` with neighbouring byte escapes put together where they make a character."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def string_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def string_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def string_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def equal(a: Any, b: Any) -> bool:
    """``a == b`` by the language's rules: a bool equals no number, at any depth."""
    kind = type(a)
    other = type(b)
    if kind is other:
        if kind is str or kind is int or kind is float or kind is bool or a is None:
            return bool(a == b)
        if kind is list or kind is tuple or kind is dict:
            return a is b or _equal_collections(a, b, _Visits())
        if isinstance(a, Value):
            return a.equals(b)
        return bool(a == b)
    if (kind is int and other is float) or (kind is float and other is int):
        return bool(a == b)
    if isinstance(a, Value):
        return a.equals(b)
    return b.equals(a) if isinstance(b, Value) else False


def _equal_collections(a: Any, b: Any, visits: _Visits) -> bool:
    """Two lists, tuples or dicts of the same kind."""
    if len(a) != len(b):
        return False
    visits.count(len(a) + 1)
    if type(a) is dict:
        return all(key in b and _equal_within(value, b[key], visits) for key, value in a.items())
    return all(_equal_within(left, right, visits) for left, right in zip(a, b, strict=True))


def _equal_within(a: Any, b: Any, visits: _Visits) -> bool:
    kind = type(a)
    if kind is type(b) and (kind is list or kind is tuple or kind is dict):
        return a is b or _equal_collections(a, b, visits)
    return equal(a, b)


def less(a: Any, b: Any, op: str) -> bool:
    """``a op b`` for an ordering operator; raises EvalError where there is no order."""
    kind = type(a)
    other = type(b)
    if kind is str and other is str and not (a.isascii() and b.isascii()):
        a, b = string_bytes(a), string_bytes(b)
    elif (kind is list and other is list) or (kind is tuple and other is tuple):
        return _less_sequences(a, b, op)
    elif not (
        (kind is other and (kind is int or kind is str or kind is float or kind is bool))
        or (kind is int and other is float)
        or (kind is float and other is int)
    ):
        raise EvalError(f"{type_name(a)} {op} {type_name(b)} not implemented")
    if op == "<":
        return bool(a < b)
    if op == ">":
        return bool(a > b)
    return bool(a <= b) if op == "<=" else bool(a >= b)


def _less_sequences(a: Any, b: Any, op: str) -> bool:
    for left, right in zip(a, b, strict=False):
        if not equal(left, right):
            return less(left, right, op)
    return less(len(a), len(b), op)


def iterate_plain(value: Any) -> Iterator[Any] | None:
    """The elements of an iterable value; None if it is none. For code of ours that changes nothing meanwhile."""
    kind = type(value)
    if kind is list or kind is tuple or kind is range:
        found: Iterator[Any] = iter(value)
        return found
    if kind is dict:
        return iter(keys_of(value))
    return value.iterate() if isinstance(value, Value) else None


def length_of(value: Any) -> int | None:
    """``len(value)``, or None if it has none."""
    kind = type(value)
    if kind is str:
        return string_length(value)
    if kind is list or kind is dict or kind is tuple or kind is range:
        return len(value)
    return value.length() if isinstance(value, Value) else None


def fail(message: str) -> NoReturn:
    raise EvalError(message)
