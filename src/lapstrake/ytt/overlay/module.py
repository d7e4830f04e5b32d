"""The functions of ``@ytt:overlay``."""

from __future__ import annotations

from lapstrake.errors import InputError
from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import Builtin
from lapstrake.ytt.overlay.engine import Engine
from lapstrake.ytt.overlay.host import is_callable
from lapstrake.ytt.overlay.matching import (
    all_matcher,
    combined,
    index_matcher,
    map_key_matcher,
    negated,
    subset_matcher,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lapstrake.ytt.overlay.host import Host

    Run = Callable[[tuple[Any, ...], dict[str, Any]], Any]


def members(host: Host) -> dict[str, Any]:
    """The attributes of the module's ``overlay`` struct."""
    functions: dict[str, Run] = {
        "apply": lambda args, kwargs: _apply(args, host),
        "index": lambda args, kwargs: _index(args, host),
        "map_key": lambda args, kwargs: _map_key(args, host),
        "subset": lambda args, kwargs: subset_matcher(host.to_yaml(_only(args, "subset")), host),
        "and_op": lambda args, kwargs: combined("overlay.and_op", _callables(args, "and_op"), all, host),
        "or_op": lambda args, kwargs: combined("overlay.or_op", _callables(args, "or_op"), any, host),
        "not_op": lambda args, kwargs: negated(_only(args, "not_op"), host),
    }
    found: dict[str, Any] = {name: Builtin(f"overlay.{name}", run) for name, run in functions.items()}
    found["all"] = all_matcher(host)
    return found


def _only(args: tuple[Any, ...], name: str) -> Any:
    if len(args) != 1:
        raise EvalError(f"overlay.{name}: expected exactly one argument")
    return args[0]


def _callables(args: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    if not args:
        raise EvalError(f"overlay.{name}: expected at least one argument")
    for matcher in args:
        if not is_callable(matcher):
            raise EvalError(f"overlay.{name}: expected starlark.Callable")
    return args


def _index(args: tuple[Any, ...], host: Host) -> Any:
    number = _only(args, "index")
    if type(number) is not int:
        raise EvalError("overlay.index: expected starlark.Int")
    return index_matcher(number, host)


def _map_key(args: tuple[Any, ...], host: Host) -> Any:
    key = _only(args, "map_key")
    if type(key) is not str:
        raise EvalError("overlay.map_key: expected starlark.String")
    return map_key_matcher(key, host)


def _apply(args: tuple[Any, ...], host: Host) -> Any:
    """``apply(left, right, ...)``: a fragment on the left is changed itself, a plain dict or list is not."""
    if not args:
        raise EvalError("overlay.apply: expected exactly at least argument")
    left = host.to_yaml(args[0])
    engine = Engine(host)
    for right in args[1:]:
        try:
            left = engine.apply(left, host.to_yaml(right))
        except InputError as error:
            raise EvalError(f"overlay.apply: {error}") from error
    return host.to_starlark(left)
