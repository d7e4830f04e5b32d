"""The functions every program has."""

from __future__ import annotations

from lapstrake.starlark.arguments import named, positional, want_int, want_iterable, want_string
from lapstrake.starlark.collections import dict_entries
from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.strings import java_hash
from lapstrake.starlark.values import (
    ABSENT,
    MAX_REPEATED,
    Builtin,
    StarlarkSet,
    float_text,
    iterate_plain,
    length_of,
    less,
    to_repr,
    to_text,
    type_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lapstrake.starlark.operators import Operators

    Arguments = tuple[Any, ...]
    Keywords = dict[str, Any]


def universe(operators: Operators, write: Callable[[str], None]) -> dict[str, Builtin]:
    """The predeclared functions; ``write`` takes what ``print`` prints, line ends included."""
    machine_bound = _MachineBuiltins(operators, write)
    runs = {
        "all": _all,
        "any": _any,
        "bool": _bool,
        "chr": _chr,
        "dict": _dict,
        "enumerate": _enumerate,
        "fail": _fail,
        "float": _float,
        "hash": _hash,
        "int": _int,
        "len": _len,
        "list": _list,
        "ord": _ord,
        "range": _range,
        "repr": _repr,
        "reversed": _reversed,
        "set": _set,
        "str": _str,
        "tuple": _tuple,
        "type": _type,
        "zip": _zip,
        "dir": machine_bound.dir,
        "getattr": machine_bound.getattr,
        "hasattr": machine_bound.hasattr,
        "max": machine_bound.max,
        "min": machine_bound.min,
        "print": machine_bound.print,
        "sorted": machine_bound.sorted,
    }
    return {name: Builtin(name, run) for name, run in runs.items()}


UNIVERSE_NAMES = frozenset(
    [
        "all",
        "any",
        "bool",
        "chr",
        "dict",
        "enumerate",
        "fail",
        "float",
        "hash",
        "int",
        "len",
        "list",
        "ord",
        "range",
        "repr",
        "reversed",
        "set",
        "str",
        "tuple",
        "type",
        "zip",
        "dir",
        "getattr",
        "hasattr",
        "max",
        "min",
        "print",
        "sorted",
        "True",
        "False",
        "None",
    ]
)


def _all(args: Arguments, kwargs: Keywords) -> bool:
    return all(want_iterable("all", 1, positional("all", args, kwargs, 1)[0]))


def _any(args: Arguments, kwargs: Keywords) -> bool:
    return any(want_iterable("any", 1, positional("any", args, kwargs, 1)[0]))


def _bool(args: Arguments, kwargs: Keywords) -> bool:
    found = positional("bool", args, kwargs, 0, 1)
    return bool(found and found[0])


def _chr(args: Arguments, kwargs: Keywords) -> str:
    code = positional("chr", args, kwargs, 1)[0]
    if type(code) is not int:
        raise EvalError(f"chr: got {type_name(code)}, want int")
    if not 0 <= code <= 0x10FFFF:
        raise EvalError(
            f"chr: Unicode code point {f'U+{code:X}' if code > 0 else code} out of range (>0x10FFFF)"
        )
    return chr(code)


def _dict(args: Arguments, kwargs: Keywords) -> dict[Any, Any]:
    if len(args) > 1:
        raise EvalError(f"dict: got {len(args)} arguments, want at most 1")
    return dict(dict_entries("dict", args, kwargs))


def _enumerate(args: Arguments, kwargs: Keywords) -> list[Any]:
    found = positional("enumerate", args, kwargs, 1, 2)
    start = want_int("enumerate", 2, found[1]) if len(found) > 1 else 0
    return list(enumerate(want_iterable("enumerate", 1, found[0]), start))


def _fail(args: Arguments, kwargs: Keywords) -> Any:
    separator = want_string("fail", "sep", kwargs.get("sep", " "))
    raise EvalError("fail: " + separator.join([to_text(value) for value in args]))


def _float(args: Arguments, kwargs: Keywords) -> float:
    found = positional("float", args, kwargs, 0, 1)
    value: Any = found[0] if found else 0.0
    kind = type(value)
    if kind is bool or kind is int or kind is float:
        try:
            return float(value)
        except OverflowError:
            raise EvalError("float: int too large to convert to float") from None
    if kind is str:
        try:
            if "_" in value or value != value.strip():
                raise ValueError
            return float(value)
        except ValueError:
            raise EvalError(f"float: strconv.ParseFloat: parsing {to_repr(value)}: invalid syntax") from None
    raise EvalError(f"float: got {type_name(value)}, want number or string")


def _hash(args: Arguments, kwargs: Keywords) -> int:
    return java_hash(want_string("hash", 1, positional("hash", args, kwargs, 1)[0]))


def _int(args: Arguments, kwargs: Keywords) -> int:
    value, base = named("int", args, kwargs, "x", "base?")
    if type(value) is str:
        return _parsed_int(value, 10 if base is None else want_int("int", "base", base))
    if base is not None:
        raise EvalError("int: can't convert non-string with explicit base")
    if type(value) is bool or type(value) is int:
        return int(value)
    if type(value) is float:
        if value != value or value in (float("inf"), float("-inf")):
            raise EvalError(f"int: cannot convert float {float_text(value)} to integer")
        return int(value)
    raise EvalError(f"int: cannot convert {type_name(value)} to int")


def _parsed_int(text: str, base: int) -> int:
    if base != 0 and not 2 <= base <= 36:
        raise EvalError("int: base must be an integer >= 2 && <= 36")
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits.isalnum() or not digits.isascii() or len(digits) > 4000:
        raise EvalError(f"int: invalid literal with base {base}: {text}")
    try:
        return int(text, base)
    except ValueError:
        raise EvalError(f"int: invalid literal with base {base}: {text}") from None


def _len(args: Arguments, kwargs: Keywords) -> int:
    (value,) = positional("len", args, kwargs, 1)
    size = length_of(value)
    if size is None:
        raise EvalError(f"len: value of type {type_name(value)} has no len")
    return size


def _list(args: Arguments, kwargs: Keywords) -> list[Any]:
    found = positional("list", args, kwargs, 0, 1)
    return _bounded("list", found[0]) if found else []


def _bounded(name: str, value: Any) -> list[Any]:
    items = want_iterable(name, 1, value)
    if type(value) is range and len(value) > MAX_REPEATED:
        raise EvalError(f"{name}: result is too large")
    return list(items)


def _ord(args: Arguments, kwargs: Keywords) -> int:
    (value,) = positional("ord", args, kwargs, 1)
    if type(value) is not str:
        raise EvalError(f"ord: got {type_name(value)}, want string")
    if len(value) != 1:
        raise EvalError(f"ord: string encodes {len(value)} Unicode code points, want 1")
    return 0xFFFD if "\udc80" <= value <= "\udcff" else ord(value)


def _range(args: Arguments, kwargs: Keywords) -> range:
    found = positional("range", args, kwargs, 1, 3)
    for number, bound in enumerate(found, 1):
        want_int("range", number, bound)
    if len(found) == 3 and found[2] == 0:
        raise EvalError("range: step argument must not be zero")
    return range(*found)


def _repr(args: Arguments, kwargs: Keywords) -> str:
    return to_repr(positional("repr", args, kwargs, 1)[0])


def _reversed(args: Arguments, kwargs: Keywords) -> list[Any]:
    return list(reversed(_bounded("reversed", positional("reversed", args, kwargs, 1)[0])))


def _set(args: Arguments, kwargs: Keywords) -> StarlarkSet:
    found = positional("set", args, kwargs, 0, 1)
    return StarlarkSet.of(want_iterable("set", 1, found[0])) if found else StarlarkSet()


def _str(args: Arguments, kwargs: Keywords) -> str:
    return to_text(positional("str", args, kwargs, 1)[0])


def _tuple(args: Arguments, kwargs: Keywords) -> tuple[Any, ...]:
    found = positional("tuple", args, kwargs, 0, 1)
    return tuple(_bounded("tuple", found[0])) if found else ()


def _type(args: Arguments, kwargs: Keywords) -> str:
    return type_name(positional("type", args, kwargs, 1)[0])


def _zip(args: Arguments, kwargs: Keywords) -> list[Any]:
    if kwargs:
        raise EvalError("zip does not accept keyword arguments")
    columns: list[list[Any]] = []
    for number, value in enumerate(args, 1):
        items = iterate_plain(value)
        if items is None:
            raise EvalError(f"zip: argument #{number} is not iterable: {type_name(value)}")
        columns.append(list(items))
    return list(zip(*columns, strict=False))


class _Order:
    """Makes Python's stable sort use the language's order. ``sorted`` asks ``this < other`` only."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Order) -> bool:
        return less(self.value, other.value, "<")


class _MachineBuiltins:
    """The builtins that call functions, look at attributes or print."""

    def __init__(self, operators: Operators, write: Callable[[str], None]) -> None:
        self.operators = operators
        self.write = write

    def dir(self, args: Arguments, kwargs: Keywords) -> list[str]:
        return sorted(self.operators.attr_names(positional("dir", args, kwargs, 1)[0]))

    def getattr(self, args: Arguments, kwargs: Keywords) -> Any:
        found = positional("getattr", args, kwargs, 2, 3)
        name = want_string("getattr", 2, found[1])
        value = self.operators.find_attr(found[0], name)
        if value is not ABSENT:
            return value
        if len(found) == 3:
            return found[2]
        raise EvalError("getattr: " + self.operators.no_attr(found[0], name))

    def hasattr(self, args: Arguments, kwargs: Keywords) -> bool:
        value, name = positional("hasattr", args, kwargs, 2)
        return self.operators.find_attr(value, want_string("hasattr", 2, name)) is not ABSENT

    def max(self, args: Arguments, kwargs: Keywords) -> Any:
        return self._extreme("max", ">", args, kwargs)

    def min(self, args: Arguments, kwargs: Keywords) -> Any:
        return self._extreme("min", "<", args, kwargs)

    def _extreme(self, name: str, op: str, args: Arguments, kwargs: Keywords) -> Any:
        key = kwargs.pop("key", None)
        if kwargs:
            raise EvalError(f'{name}: unexpected keyword argument "{next(iter(kwargs))}"')
        if not args:
            raise EvalError(f"{name} requires at least one positional argument")
        values = list(want_iterable(name, 1, args[0])) if len(args) == 1 else list(args)
        if not values:
            raise EvalError(f"{name}: argument is an empty sequence")
        best = values[0]
        best_key = best if key is None else self.operators.call(key, best)
        for value in values[1:]:
            value_key = value if key is None else self.operators.call(key, value)
            if less(value_key, best_key, op):
                best, best_key = value, value_key
        return best

    def print(self, args: Arguments, kwargs: Keywords) -> None:
        separator = want_string("print", "sep", kwargs.pop("sep", " "))
        if kwargs:
            raise EvalError(f'print: unexpected keyword argument "{next(iter(kwargs))}"')
        self.write(separator.join([to_text(value) for value in args]) + "\n")

    def sorted(self, args: Arguments, kwargs: Keywords) -> list[Any]:
        values, key, reverse = named("sorted", args, kwargs, "iterable", "key?", "reverse?")
        if reverse is not None and type(reverse) is not bool:
            raise EvalError(f"sorted: for parameter reverse: got {type_name(reverse)}, want bool")
        items = list(want_iterable("sorted", "iterable", values))
        keys = items if key is None else [self.operators.call(key, item) for item in items]
        order = sorted(range(len(items)), key=lambda at: _Order(keys[at]), reverse=bool(reverse))
        return [items[at] for at in order]
