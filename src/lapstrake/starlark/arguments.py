"""Taking apart the arguments of a builtin, with the language's own complaints."""

from __future__ import annotations

from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import iterate_plain, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def positional(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], least: int, most: int | None = None
) -> tuple[Any, ...]:
    """The arguments of a builtin that takes no keywords; absent ones are left out."""
    if kwargs:
        raise EvalError(f"{name}: unexpected keyword arguments")
    most = least if most is None else most
    if not least <= len(args) <= most:
        bound = "" if least == most else ("at least " if len(args) < least else "at most ")
        wanted = least if len(args) < least else most
        plural = "" if len(args) == 1 else "s"
        raise EvalError(f"{name}: got {len(args)} argument{plural}, want {bound}{wanted}")
    return args


def named(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], *params: str) -> list[Any]:
    """The arguments of a builtin in the order of ``params``; a parameter that ends in ``?`` may be absent (None)."""
    if len(args) > len(params):
        plural = "" if len(args) == 1 else "s"
        raise EvalError(f"{name}: got {len(args)} argument{plural}, want at most {len(params)}")
    names = [param.rstrip("?") for param in params]
    found: list[Any] = list(args) + [_MISSING] * (len(params) - len(args))
    for key, value in kwargs.items():
        if key not in names:
            raise EvalError(f'{name}: unexpected keyword argument "{key}"')
        place = names.index(key)
        if place < len(args):
            raise EvalError(f'{name}: got multiple values for keyword argument "{key}"')
        found[place] = value
    for place, param in enumerate(params):
        if found[place] is _MISSING:
            if not param.endswith("?"):
                raise EvalError(f"{name}: missing argument for {param}")
            found[place] = None
    return found


_MISSING: Any = object()


def want_string(name: str, param: int | str, value: Any) -> str:
    if type(value) is not str:
        raise EvalError(f"{name}: for parameter {param}: got {type_name(value)}, want string")
    return value


def want_int(name: str, param: int | str, value: Any) -> int:
    if type(value) is not int:
        raise EvalError(f"{name}: for parameter {param}: got {type_name(value)}, want int")
    return value


def want_bool(name: str, param: int | str, value: Any) -> bool:
    if type(value) is not bool:
        raise EvalError(f"{name}: for parameter {param}: got {type_name(value)}, want bool")
    return value


def want_iterable(name: str, param: int | str, value: Any) -> Iterator[Any]:
    found = iterate_plain(value)
    if found is None:
        raise EvalError(f"{name}: for parameter {param}: got {type_name(value)}, want iterable")
    return found
