"""The methods of lists and dicts."""

from __future__ import annotations

from lapstrake.starlark.arguments import positional, want_int
from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import (
    Value,
    equal,
    iterate_plain,
    key_of,
    keys_of,
    length_of,
    type_name,
    value_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from lapstrake.starlark.guard import Guard

    Method = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]


def _prefixed(name: str, check: Callable[[Any, str], None], value: Any, verb: str) -> None:
    try:
        check(value, verb)
    except EvalError as error:
        raise EvalError(f"{name}: {error.message}") from None


class ListMethods:
    """The methods of lists, under one machine's guard."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard

    def table(self) -> dict[str, Method]:
        return {
            "append": self.append,
            "clear": self.clear,
            "extend": self.extend,
            "index": self.index,
            "insert": self.insert,
            "pop": self.pop,
            "remove": self.remove,
        }

    def append(self, value: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        (item,) = positional("append", args, kwargs, 1)
        _prefixed("append", self.guard.check_list, value, "append to")
        value.append(item)

    def clear(self, value: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        positional("clear", args, kwargs, 0)
        _prefixed("clear", self.guard.check_list, value, "clear")
        value.clear()

    def extend(self, value: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        (items,) = positional("extend", args, kwargs, 1)
        found = iterate_plain(items)
        if found is None:
            raise EvalError(f"extend: for parameter 1: got {type_name(items)}, want iterable")
        _prefixed("extend", self.guard.check_list, value, "extend")
        value.extend(list(found))

    def index(self, value: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
        found = positional("index", args, kwargs, 1, 3)
        bounds = [want_int("index", n, b) if b is not None else None for n, b in enumerate(found[1:], 2)]
        low, high, _ = slice(*bounds, *([None] * (2 - len(bounds)))).indices(len(value))
        for at in range(low, high):
            if equal(value[at], found[0]):
                return at
        raise EvalError("index: value not in list")

    def insert(self, value: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        at, item = positional("insert", args, kwargs, 2)
        want_int("insert", 1, at)
        _prefixed("insert", self.guard.check_list, value, "insert into")
        value.insert(at, item)

    def pop(self, value: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        found = positional("pop", args, kwargs, 0, 1)
        at = want_int("pop", 1, found[0]) if found else -1
        if not -len(value) <= at < len(value):
            state = "empty list" if not value else f"[{-len(value)}:{len(value) - 1}]"
            raise EvalError(f"pop: index {at} out of range: {state}")
        _prefixed("pop", self.guard.check_list, value, "pop from")
        return value.pop(at)

    def remove(self, value: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        (item,) = positional("remove", args, kwargs, 1)
        _prefixed("remove", self.guard.check_list, value, "remove from")
        for at, candidate in enumerate(value):
            if equal(candidate, item):
                del value[at]
                return
        raise EvalError("remove: element not found")


class DictMethods:
    """The methods of dicts, under one machine's guard."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard

    def table(self) -> dict[str, Method]:
        return {
            "clear": self.clear,
            "get": self.get,
            "items": self.items,
            "keys": self.keys,
            "pop": self.pop,
            "popitem": self.popitem,
            "setdefault": self.setdefault,
            "update": self.update,
            "values": self.values,
        }

    def clear(self, value: dict[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        positional("clear", args, kwargs, 0)
        _prefixed("clear", self.guard.check_dict, value, "clear")
        value.clear()

    def get(self, value: dict[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        found = positional("get", args, kwargs, 1, 2)
        return value.get(key_of(found[0]), found[1] if len(found) > 1 else None)

    def items(self, value: dict[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        positional("items", args, kwargs, 0)
        return [(value_of(key), item) for key, item in value.items()]

    def keys(self, value: dict[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        positional("keys", args, kwargs, 0)
        return keys_of(value)

    def values(self, value: dict[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        positional("values", args, kwargs, 0)
        return list(value.values())

    def pop(self, value: dict[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        found = positional("pop", args, kwargs, 1, 2)
        key = key_of(found[0])
        _prefixed("pop", self.guard.check_dict, value, "delete from")
        if key in value:
            return value.pop(key)
        if len(found) > 1:
            return found[1]
        raise EvalError("pop: missing key")

    def popitem(self, value: dict[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        positional("popitem", args, kwargs, 0)
        if not value:
            raise EvalError("popitem: empty dict")
        _prefixed("popitem", self.guard.check_dict, value, "delete from")
        key = next(iter(value))
        return (value_of(key), value.pop(key))

    def setdefault(self, value: dict[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        found = positional("setdefault", args, kwargs, 1, 2)
        key = key_of(found[0])
        if key in value:
            return value[key]
        _prefixed("setdefault", self.guard.check_dict, value, "insert into")
        value[key] = found[1] if len(found) > 1 else None
        return value[key]

    def update(self, value: dict[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if len(args) > 1:
            raise EvalError(f"update: got {len(args)} arguments, want at most 1")
        entries = list(dict_entries("update", args, kwargs))
        _prefixed("update", self.guard.check_dict, value, "insert into")
        value.update(entries)


def dict_entries(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """The entries (key in its key form, value) that ``dict(...)`` and ``update(...)`` are given."""
    if args:
        source = args[0]
        if type(source) is dict:
            yield from source.items()
        else:
            yield from _pairs(name, source)
    yield from kwargs.items()


def _pairs(name: str, source: Any) -> Iterator[tuple[Any, Any]]:
    entries = source.entries_of() if isinstance(source, Value) else None
    if entries is not None:
        for key, item in entries:
            yield key_of(key), item
        return
    found = iterate_plain(source)
    if found is None:
        raise EvalError(f"{name}: got {type_name(source)}, want iterable")
    for number, pair in enumerate(found):
        size = length_of(pair)
        parts = iterate_plain(pair)
        if parts is None or size is None:
            raise EvalError(
                f"{name}: dictionary update sequence element #{number} is not iterable ({type_name(pair)})"
            )
        if size != 2:
            raise EvalError(f"{name}: dictionary update sequence element #{number} has length {size}, want 2")
        key, item = parts
        yield key_of(key), item
