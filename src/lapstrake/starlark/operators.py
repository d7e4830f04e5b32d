"""The guarded operations that compiled programs call: arithmetic, comparison, indexing, attributes, calls.

Compiled code never uses the host's attribute access, formatting or mixed-type operators; each operation
looks at exact types and knows every answer itself.
"""

from __future__ import annotations

from math import fmod, nan
from types import FunctionType

from lapstrake.spelling import nearest
from lapstrake.starlark.collections import DictMethods, ListMethods
from lapstrake.starlark.errors import EvalError, Frame
from lapstrake.starlark.guard import Guard
from lapstrake.starlark.strings import STRING_METHODS, byte_index, byte_slice, interpolate
from lapstrake.starlark.values import (
    ABSENT,
    MAX_INTEGER,
    MAX_REPEATED,
    Builtin,
    Value,
    equal,
    iterate_plain,
    joined_bytes,
    key_of,
    less,
    string_length,
    to_repr,
    type_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

MAX_SHIFT = 512
_NUMBERS = frozenset({int, float})
_PIPE_HINT = " (hint: use 'or' instead of '|' for logical-or)"


def unsupported(op: str, a: Any, b: Any) -> EvalError:
    return EvalError(f"unknown binary op: {type_name(a)} {op} {type_name(b)}")


def _extension(op: str, a: Any, b: Any) -> Any:
    """``a op b`` where one of them is an extension value; fails where neither knows the operator."""
    if isinstance(a, Value) and (found := a.binary(op, b, False)) is not ABSENT:
        return found
    if isinstance(b, Value) and (found := b.binary(op, a, True)) is not ABSENT:
        return found
    raise unsupported(op, a, b)


def add(a: Any, b: Any) -> Any:
    kind = type(a)
    other = type(b)
    if kind is other:
        if kind is str:
            text = a + b
            if len(text) > MAX_REPEATED:
                raise EvalError("string is too large")
            return text if text.isascii() else joined_bytes(text)
        if kind is int or kind is float or kind is list or kind is tuple:
            return a + b
    elif kind in _NUMBERS and other in _NUMBERS:
        return a + b
    return _extension("+", a, b)


def subtract(a: Any, b: Any) -> Any:
    if type(a) in _NUMBERS and type(b) in _NUMBERS:
        return a - b
    return _extension("-", a, b)


def multiply(a: Any, b: Any) -> Any:
    kind = type(a)
    other = type(b)
    if kind in _NUMBERS and other in _NUMBERS:
        if kind is int and other is int and a.bit_length() + b.bit_length() > MAX_INTEGER:
            raise EvalError("integer is too large")
        return a * b
    if kind is int and other in (str, list, tuple):
        return _repeat(b, a)
    if other is int and kind in (str, list, tuple):
        return _repeat(a, b)
    return _extension("*", a, b)


def _repeat(value: Any, count: int) -> Any:
    if count > 0 and len(value) * count > MAX_REPEATED:
        raise EvalError(f"excessive repeat ({len(value)} * {count} elements)")
    return value * max(count, 0)


def divide(a: Any, b: Any) -> Any:
    if type(a) in _NUMBERS and type(b) in _NUMBERS:
        if b == 0:
            raise EvalError("real division by zero")
        try:
            return a / b
        except OverflowError:
            raise EvalError("int too large to convert to float") from None
    return _extension("/", a, b)


def floor_divide(a: Any, b: Any) -> Any:
    if type(a) in _NUMBERS and type(b) in _NUMBERS:
        if b == 0:
            raise EvalError("floored division by zero")
        return a // b
    return _extension("//", a, b)


def modulo(a: Any, b: Any) -> Any:
    if type(a) is str:
        return interpolate(a, b)
    if type(a) in _NUMBERS and type(b) in _NUMBERS:
        if b == 0:
            integers = type(a) is int and type(b) is int
            raise EvalError("integer modulo by zero" if integers else "float modulo by zero")
        # A float's remainder has the sign of the dividend, an integer's that of the divisor.
        return a % b if type(a) is int and type(b) is int else _float_remainder(a, b)
    return _extension("%", a, b)


def _float_remainder(a: float, b: float) -> float:
    try:
        return fmod(a, b)
    except ValueError:
        return nan


def bit_or(a: Any, b: Any) -> Any:
    if type(a) is int and type(b) is int:
        return a | b
    try:
        return _extension("|", a, b)
    except EvalError as error:
        raise EvalError(error.message + _PIPE_HINT) from None


def bit_and(a: Any, b: Any) -> Any:
    return a & b if type(a) is int and type(b) is int else _extension("&", a, b)


def bit_xor(a: Any, b: Any) -> Any:
    return a ^ b if type(a) is int and type(b) is int else _extension("^", a, b)


def shift_left(a: Any, b: Any) -> Any:
    if type(a) is int and type(b) is int:
        if b < 0:
            raise EvalError(f"negative shift count: {b}")
        if b >= MAX_SHIFT:
            raise EvalError(f"shift count too large: {b}")
        return a << b
    return _extension("<<", a, b)


def shift_right(a: Any, b: Any) -> Any:
    if type(a) is int and type(b) is int:
        if b < 0:
            raise EvalError(f"negative shift count: {b}")
        return a >> b
    return _extension(">>", a, b)


def negative(a: Any) -> Any:
    if type(a) in _NUMBERS:
        return -a
    raise EvalError(f"unknown unary op: -{type_name(a)}")


def positive(a: Any) -> Any:
    if type(a) in _NUMBERS:
        return a
    raise EvalError(f"unknown unary op: +{type_name(a)}")


def invert(a: Any) -> Any:
    if type(a) is int:
        return ~a
    raise EvalError(f"unknown unary op: ~{type_name(a)}")


def not_equal(a: Any, b: Any) -> bool:
    return not equal(a, b)


def lower(a: Any, b: Any) -> bool:
    return less(a, b, "<")


def lower_equal(a: Any, b: Any) -> bool:
    return less(a, b, "<=")


def greater(a: Any, b: Any) -> bool:
    return less(a, b, ">")


def greater_equal(a: Any, b: Any) -> bool:
    return less(a, b, ">=")


def contains(item: Any, container: Any) -> bool:
    kind = type(container)
    if kind is str:
        if type(item) is not str:
            raise EvalError(f"'in <string>' requires string as left operand, not {type_name(item)}")
        return item in container
    if kind is dict:
        return key_of(item) in container
    if kind is list or kind is tuple:
        return any(equal(item, candidate) for candidate in container)
    if kind is range:
        if type(item) is not int:
            raise EvalError(f"'in <range>' requires integer as left operand, not {type_name(item)}")
        return item in container
    if isinstance(container, Value) and (found := container.contains(item)) is not None:
        return found
    raise unsupported("in", item, container)


def lacks(item: Any, container: Any) -> bool:
    try:
        return not contains(item, container)
    except EvalError as error:
        raise EvalError(error.message.replace(" in ", " not in ", 1)) from None


def get_index(value: Any, key: Any) -> Any:
    kind = type(value)
    if kind is dict:
        found = value.get(key_of(key), ABSENT)
        if found is ABSENT:
            raise EvalError(f"key {to_repr(key)} not in dict")
        return found
    if kind is list or kind is tuple or kind is str or kind is range:
        at = _checked_index(value, kind, key)
        return byte_index(value, at) if kind is str else value[at]
    if isinstance(value, Value):
        return value.index(key)
    raise EvalError(f"unhandled index operation {type_name(value)}[{type_name(key)}]")


def _checked_index(value: Any, kind: type, key: Any) -> int:
    if type(key) is not int:
        raise EvalError(f"{type_name(value)} index: got {type_name(key)}, want int")
    size = string_length(value) if kind is str else len(value)
    if not -size <= key < size:
        if size == 0:
            raise EvalError(f"index {key} out of range: empty {type_name(value)}")
        raise EvalError(f"{type_name(value)} index {key} out of range [{-size}:{size - 1}]")
    return key if key >= 0 else key + size


def get_slice(value: Any, low: Any, high: Any, step: Any) -> Any:
    for name, bound in (("start", low), ("end", high), ("step", step)):
        if bound is not None and type(bound) is not int:
            raise EvalError(f"invalid {name} index: got {type_name(bound)}, want int")
    if step == 0:
        raise EvalError("zero is not a valid slice step")
    kind = type(value)
    piece = slice(low, high, step)
    if kind is str:
        return byte_slice(value, piece)
    if kind is list or kind is tuple or kind is range:
        return value[piece]
    if isinstance(value, Value):
        return value.slice(low, high, step)
    raise EvalError(f"invalid slice operand {type_name(value)}")


def unpacked(value: Any, shape: Sequence[Any]) -> list[Any]:
    """``value`` as a list of exactly as many elements as ``shape``; nested shapes are unpacked too."""
    found = iterate_plain(value)
    if found is None:
        raise EvalError(f"got {type_name(value)} in sequence assignment")
    items = list(found)
    if len(items) != len(shape):
        if len(items) > len(shape):
            raise EvalError(f"too many values to unpack (got {len(items)}, want {len(shape)})")
        raise EvalError(f"too few values to unpack (got {len(items)}, want {len(shape)})")
    for at, inner in enumerate(shape):
        if inner is not None:
            items[at] = unpacked(items[at], inner)
    return items


def dict_display(*parts: Any) -> dict[Any, Any]:
    """A dict from alternating keys and values; equal keys are refused."""
    result: dict[Any, Any] = {}
    for at in range(0, len(parts), 2):
        key = key_of(parts[at])
        if key in result:
            raise EvalError(f"duplicate key: {to_repr(parts[at])}")
        result[key] = parts[at + 1]
    return result


def spread(value: Any) -> list[Any]:
    """The elements of a ``*`` argument."""
    found = iterate_plain(value)
    if found is None:
        raise EvalError(f"argument after * must be iterable, not {type_name(value)}")
    return list(found)


def spread_names(value: Any) -> dict[str, Any]:
    """The entries of a ``**`` argument."""
    if isinstance(value, Value) and (entries := value.entries_of()) is not None:
        value = {key_of(key): item for key, item in entries}
    if type(value) is not dict:
        raise EvalError(f"argument after ** must be a mapping, not {type_name(value)}")
    for key in value:
        if type(key) is not str:
            raise EvalError(f"keywords must be strings, not {type_name(key)}")
    return value


class Operators:
    """The operations that depend on a machine: mutation, iteration, methods and calls."""

    def __init__(self, guard: Guard, callee_frame: Callable[[FunctionType, str], Frame]) -> None:
        self.guard = guard
        self.callee_frame = callee_frame
        self.methods: dict[type, dict[str, Any]] = {
            str: STRING_METHODS,
            list: ListMethods(guard).table(),
            dict: DictMethods(guard).table(),
        }

    # -- mutation

    def set_index(self, value: Any, key: Any, item: Any) -> None:
        kind = type(value)
        if kind is dict:
            place = key_of(key)
            self.guard.check_dict(value, "insert into")
            value[place] = item
        elif kind is list:
            at = _checked_index(value, kind, key)
            self.guard.check_list(value, "assign to element of")
            value[at] = item
        elif isinstance(value, Value):
            value.set_index(key, item)
        else:
            raise EvalError(f"{type_name(value)} value does not support item assignment")

    def set_attr(self, value: Any, name: str, item: Any) -> None:
        if isinstance(value, Value):
            value.set_attr(name, item)
            return
        raise EvalError(f"can't assign to .{name} field of {type_name(value)}")

    def in_place_add(self, a: Any, b: Any) -> Any:
        if type(a) is list and type(b) is not list and (items := iterate_plain(b)) is not None:
            self.guard.check_list(a, "apply += to")
            a.extend(list(items))
            return a
        if type(a) is list and type(b) is list:
            self.guard.check_list(a, "apply += to")
            a.extend(b)
            return a
        return add(a, b)

    def augment_index(self, value: Any, key: Any, operate: Callable[[Any, Any], Any], operand: Any) -> None:
        self.set_index(value, key, operate(get_index(value, key), operand))

    def augment_attr(self, value: Any, name: str, operate: Callable[[Any, Any], Any], operand: Any) -> None:
        self.set_attr(value, name, operate(self.get_attr(value, name), operand))

    # -- attributes and calls

    def find_attr(self, value: Any, name: str) -> Any:
        """The attribute, or ABSENT."""
        if isinstance(value, Value):
            return value.attr(name)
        method = self.methods.get(type(value), _NO_METHODS).get(name)
        if method is None:
            return ABSENT
        return Builtin(name, lambda args, kwargs: method(value, args, kwargs), value)

    def attr_names(self, value: Any) -> Sequence[str]:
        if isinstance(value, Value):
            return value.attr_names()
        return sorted(self.methods.get(type(value), _NO_METHODS))

    def get_attr(self, value: Any, name: str) -> Any:
        found = self.find_attr(value, name)
        if found is ABSENT:
            raise EvalError(self.no_attr(value, name))
        return found

    def no_attr(self, value: Any, name: str) -> str:
        candidate = nearest(name, self.attr_names(value))
        hint = f" (did you mean .{candidate}?)" if candidate is not None else ""
        return f"{type_name(value)} has no .{name} field or method{hint}"

    def invoke(self, value: Any, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """``value.name(...)``."""
        method = self.methods.get(type(value), _NO_METHODS).get(name)
        if method is not None:
            return method(value, args, kwargs)
        return self.call(self.get_attr(value, name), *args, **kwargs)

    def call(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.guard.tick()
        if type(function) is FunctionType:
            try:
                return function(*args, **kwargs)
            except TypeError as error:
                # Only a refused argument list leaves no trace of the function itself.
                if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                    raise
                raise self.refused(function, args, kwargs) from None
        if isinstance(function, Value):
            return function.call(args, kwargs)
        raise EvalError(f"invalid call of non-function ({type_name(function)})")

    def refused(self, function: FunctionType, args: tuple[Any, ...], kwargs: dict[str, Any]) -> EvalError:
        """Why ``function`` cannot take these arguments, as an error raised inside it."""
        from lapstrake.starlark.calls import why_refused

        message = why_refused(function, args, kwargs)
        error = EvalError(message)
        error.inner.append(self.callee_frame(function, message))
        return error


_NO_METHODS: dict[str, Any] = {}
