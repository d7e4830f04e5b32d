"""``@ytt:struct``, ``@ytt:module`` and ``@ytt:template``: making values for code and for nodes."""

from __future__ import annotations

from types import FunctionType

from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import Builtin, key_of, value_of
from lapstrake.ytt.builder import Replacement
from lapstrake.ytt.fragment import Fragment, Struct, native_of
from lapstrake.ytt.modules.function import a_string, exactly, function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.ytt.evaluation import Run


def struct_members(host: Run) -> dict[str, Any]:
    def bind(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) < 2:
            raise EvalError("expected at least two arguments")
        return bound(args[0], args[1:], host)

    def make_and_bind(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Struct:
        (receiver,) = exactly(args, 1)
        fields = dict(receiver.fields) if type(receiver) is Struct else {}
        made = Struct(fields)
        for name, value in kwargs.items():
            is_function = type(value) is FunctionType or isinstance(value, Builtin)
            fields[name] = bound(value, (receiver,), host) if is_function else value
        return made

    return {"make": _make, "encode": _encode, "decode": _decode, "bind": bind, "make_and_bind": make_and_bind}


def bound(target: Any, first: tuple[Any, ...], host: Run) -> Builtin:
    """``target`` with its first arguments given; its own calls are left out of error traces."""

    def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return host.call(target, (*first, *args), kwargs)

    return function("struct.bind_result", run)


def _make(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Struct:
    if args:
        raise EvalError("unexpected positional arguments (structs are made from keyword arguments only)")
    return Struct(dict(kwargs))


def _encode(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return as_struct(exactly(args, 1)[0])


def as_struct(value: Any) -> Any:
    """The value with each dict in it as a struct."""
    kind = type(value)
    if kind is Fragment:
        value = native_of(value.node)
        kind = type(value)
    if kind is dict:
        return Struct({_name(value_of(key)): as_struct(item) for key, item in value.items()})
    if kind is Struct:
        return Struct({name: as_struct(item) for name, item in value.fields.items()})
    if kind is list or kind is tuple:
        return [as_struct(item) for item in value]
    return value


def _name(key: Any) -> str:
    return a_string(key)


def _decode(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return as_native(exactly(args, 1)[0])


def as_native(value: Any) -> Any:
    """The value with each struct and fragment in it as a dict or list."""
    kind = type(value)
    if kind is Struct:
        return {key_of(name): as_native(item) for name, item in value.fields.items()}
    if kind is dict:
        return {key: as_native(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [as_native(item) for item in value]
    return native_of(value.node) if kind is Fragment else value


def module_members(host: Run) -> dict[str, Any]:
    def make(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Struct:
        if len(args) != 1:
            raise EvalError("expected exactly one positional argument")
        return Struct(dict(kwargs), "module", a_string(args[0]))

    return {"make": make}


def template_members(host: Run) -> dict[str, Any]:
    return {"replace": lambda args, kwargs: Replacement(exactly(args, 1)[0])}
