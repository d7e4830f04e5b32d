"""``@ytt:assert``: failing on purpose, and checks of values."""

from __future__ import annotations

from types import FunctionType

from lapstrake.errors import InputError
from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import Builtin, to_text, type_name
from lapstrake.ytt.fragment import Opaque, go_type, to_tree
from lapstrake.ytt.modules.serialization import yaml_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.ytt.evaluation import Run

_CHECKS = {
    "min": 'lambda v: True if v >= bound else fail("value < {}".format(bound))',
    "max": 'lambda v: True if v <= bound else fail("value > {}".format(bound))',
    "min_len": 'lambda v: True if len(v) >= bound else fail("length = {}".format(len(v)))',
    "max_len": 'lambda v: True if len(v) <= bound else fail("length = {}".format(len(v)))',
}


def members(run: Run) -> dict[str, Any]:
    checks = _Checks(run)
    return {
        "equals": _equals,
        "fail": _fail,
        "try_to": checks.try_to,
        "min": checks.min,
        "max": checks.max,
        "min_len": checks.min_len,
        "max_len": checks.max_len,
        "not_null": checks.not_null,
        "one_not_null": checks.one_not_null,
        "one_of": checks.one_of,
    }


def _fail(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) != 1:
        raise EvalError("expected exactly one argument")
    raise EvalError("fail: " + to_text(args[0]))


def _equals(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if len(args) != 2:
        raise EvalError(f"got {len(args)} arguments, want 2")
    expected, found = args
    for value in args:
        if type(value) is FunctionType or isinstance(value, Builtin):
            raise EvalError(f"expected argument not to be a function, but was {go_type(value)}")
    texts = [yaml_text(to_tree(value)) for value in args]
    if texts[0] != texts[1]:
        raise EvalError(
            f"Not equal:\n(expected type: {type_name(expected)})\n{texts[0]}\n\n(was type: {type_name(found)})\n{texts[1]}"
        )


def assertion(run: Run, name: str, source: str, names: dict[str, Any]) -> Opaque:
    """An object whose ``check`` is a Starlark lambda; errors show it as a line of its own file."""
    from lapstrake.position import Position
    from lapstrake.starlark.parse import parse
    from lapstrake.starlark.syntax import Line

    line = Line((f"check = {source}",), Position(name, 1, 1, "(unavailable)"))
    exported = run.machine.run(parse(name, [line]), load=_no_load, predeclared=names)
    return opaque(exported["check"])


def opaque(check: Any) -> Opaque:
    return Opaque(
        "@ytt:assert.assertion", {"check": check}, "does not encode (did you mean to call check()?)"
    )


def _no_load(name: str) -> Any:
    raise InputError(f"no file {name}")


class _Checks:
    def __init__(self, run: Run) -> None:
        self.run = run

    def _bounded(self, name: str, args: tuple[Any, ...]) -> Opaque:
        if len(args) != 1:
            raise EvalError("expected exactly one argument")
        return assertion(self.run, f"assert.{name}", _CHECKS[name], {"bound": args[0]})

    def min(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Opaque:
        return self._bounded("min", args)

    def max(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Opaque:
        return self._bounded("max", args)

    def min_len(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Opaque:
        return self._bounded("min_len", args)

    def max_len(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Opaque:
        return self._bounded("max_len", args)

    def not_null(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args:
            if args[0] is None:
                raise EvalError("fail: value is null")
            return True
        source = 'lambda v: fail("value is null") if v == None else True'
        return assertion(self.run, "assert.not_null", source, {})

    def one_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Opaque:
        if not args:
            raise EvalError("expected at least one argument")
        allowed = list(args[0]) if len(args) == 1 and type(args[0]) in (list, tuple) else list(args)
        texts = [yaml_text(to_tree(value)) for value in allowed]

        def known(given: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
            return yaml_text(to_tree(given[0])) in texts

        source = 'lambda v: True if known(v) else fail("not one of allowed values")'
        return assertion(self.run, "assert.one_of", source, {"known": Builtin("known", known)})

    def one_not_null(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Opaque:

        def check(given: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
            from lapstrake.ytt.checks import one_not_null_problem

            tree = to_tree(given[0])
            items = getattr(tree, "items", None)
            if not isinstance(items, list):
                raise EvalError("check: value must be a map or dict")
            if not items:
                raise EvalError("check: value is empty")
            found = [
                item.key for item in items if item.value is not None and (not args or item.key in args[0])
            ]
            problem = one_not_null_problem(found)
            if problem is not None:
                raise EvalError(f"check: {problem}")
            return True

        return opaque(Builtin("check", check))

    def try_to(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        if len(args) != 1:
            raise EvalError("expected exactly one argument")
        if type(args[0]) is not FunctionType and not isinstance(args[0], Builtin):
            raise EvalError(f"expected argument to be a function, but was {go_type(args[0])}")
        try:
            return (self.run.call(args[0], ()), None)
        except EvalError as error:
            return (None, error.message)
