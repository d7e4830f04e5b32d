"""``@ytt:math``. The first use of a function writes a warning."""

from __future__ import annotations

import math

from lapstrake.starlark.errors import EvalError
from lapstrake.ytt.fragment import go_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lapstrake.starlark.values import Builtin
    from lapstrake.ytt.evaluation import Run

_WARNING = (
    "\nWarning: a function from the @ytt:math module is used in this invocation; this module does not guarantee "
    "bit-identical results across CPU architectures.\n"
)


def math_members(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = {"pi": math.pi, "e": math.e}
    for name, (arity, function) in _FUNCTIONS.items():
        found[name] = _builtin(run, name, arity, function)
    return found


def _builtin(run: Run, name: str, arity: tuple[int, int], compute: Callable[..., Any]) -> Builtin:
    from lapstrake.ytt.modules.function import function

    def call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if "math" not in run.warned:
            run.warned.add("math")
            run.settings.write(_WARNING)
        if not arity[0] <= len(args) <= arity[1]:
            raise EvalError(f"got {len(args)} arguments, want {arity[0]}")
        try:
            return compute(*[_number(value) for value in args])
        except (ValueError, ZeroDivisionError):
            return math.nan
        except OverflowError:
            return math.inf

    return function(name, call)


def _number(value: Any) -> int | float:
    if type(value) is not int and type(value) is not float:
        raise EvalError(f"expected float value, but was {go_type(value)}")
    return value


def _round(value: float) -> float:
    """Half away from zero."""
    if isinstance(value, int) or not math.isfinite(value):
        return float(value)
    return math.copysign(math.floor(abs(value) + 0.5), value)


def _log(value: float, base: float = math.e) -> float:
    return (
        math.log(value)
        if base == math.e
        else math.log(value) / math.log(base)
        if base != 2
        else math.log2(value)
    )


def _whole(function: Callable[[float], int]) -> Callable[[float], Any]:
    return lambda value: function(value) if math.isfinite(value) else value


_ONE = (1, 1)
_TWO = (2, 2)
_FUNCTIONS: dict[str, tuple[tuple[int, int], Callable[..., Any]]] = {
    "ceil": (_ONE, _whole(math.ceil)),
    "copysign": (_TWO, math.copysign),
    "fabs": (_ONE, math.fabs),
    "floor": (_ONE, _whole(math.floor)),
    "mod": (_TWO, math.fmod),
    "pow": (_TWO, lambda a, b: math.pow(a, b)),
    "remainder": (_TWO, math.remainder),
    "round": (_ONE, _round),
    "exp": (_ONE, math.exp),
    "sqrt": (_ONE, math.sqrt),
    "acos": (_ONE, math.acos),
    "asin": (_ONE, math.asin),
    "atan": (_ONE, math.atan),
    "atan2": (_TWO, math.atan2),
    "cos": (_ONE, math.cos),
    "hypot": (_TWO, math.hypot),
    "sin": (_ONE, math.sin),
    "tan": (_ONE, math.tan),
    "degrees": (_ONE, math.degrees),
    "radians": (_ONE, math.radians),
    "acosh": (_ONE, math.acosh),
    "asinh": (_ONE, math.asinh),
    "atanh": (_ONE, math.atanh),
    "cosh": (_ONE, math.cosh),
    "sinh": (_ONE, math.sinh),
    "tanh": (_ONE, math.tanh),
    "log": ((1, 2), _log),
    "gamma": (_ONE, math.gamma),
}
