"""How the functions of the standard modules are made, and take their arguments apart."""

from __future__ import annotations

from lapstrake.errors import InputError
from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import Builtin, type_name
from lapstrake.ytt.fragment import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Run = Callable[[tuple[Any, ...], dict[str, Any]], Any]

_NUMBERS = {1: "one argument", 2: "two arguments", 3: "three arguments"}


def function(name: str, run: Run) -> Builtin:
    """A function whose errors begin with its name; calls below it leave no trace in them."""

    def guarded(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return run(args, kwargs)
        except InputError as error:
            raise EvalError(f"{name}: {error}") from None

    return Builtin(name, guarded)


def module(name: str, members: Mapping[str, Any]) -> Struct:
    """A module; functions get its name in front of theirs."""
    fields = {
        key: function(f"{name}.{key}", value) if _is_plain(value) else value for key, value in members.items()
    }
    return Struct(fields, "module", name)


def _is_plain(value: Any) -> bool:
    return callable(value) and not isinstance(value, (Builtin, Struct))


def exactly(args: tuple[Any, ...], count: int) -> tuple[Any, ...]:
    if len(args) != count:
        raise EvalError(f"expected exactly {_NUMBERS[count]}")
    return args


def a_string(value: Any) -> str:
    if type(value) is not str:
        raise EvalError(f"expected a string, but was {type_name(value)}")
    return value


def an_int(value: Any) -> int:
    if type(value) is not int:
        raise EvalError(f"expected an int, but was {type_name(value)}")
    return value


def a_flag(kwargs: dict[str, Any], name: str, default: bool) -> bool:
    value = kwargs.get(name, default)
    if type(value) is not bool:
        raise EvalError(f"expected a bool, but was {type_name(value)}")
    return value


def known_names(kwargs: dict[str, Any], *names: str) -> None:
    for name in kwargs:
        if name not in names:
            raise EvalError(f"invalid argument name: {name}")
