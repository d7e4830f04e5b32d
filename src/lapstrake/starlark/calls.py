"""Why a function refuses a list of arguments."""

from __future__ import annotations

from lapstrake.starlark.values import function_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FunctionType
    from typing import Any

_HAS_ARGS = 0x04
_HAS_KWARGS = 0x08


def why_refused(function: FunctionType, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The complaint about a call that Python would not make; looks at the signature as Starlark does."""
    code = function.__code__
    name = function_name(function)
    names = code.co_varnames[: code.co_argcount]
    keyword_only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    given = len(args) + len(kwargs)
    if not names and not keyword_only and not code.co_flags & (_HAS_ARGS | _HAS_KWARGS):
        return f"function {name} accepts no arguments ({given} given)"
    if len(args) > len(names) and not code.co_flags & _HAS_ARGS:
        optional = function.__defaults__ or keyword_only
        bound = "at most " if optional else ""
        plural = "" if len(names) == 1 else "s"
        return f"function {name} accepts {bound}{len(names)} positional argument{plural} ({len(args)} given)"
    for key in kwargs:
        if key in names[: len(args)]:
            return f'function {name} got multiple values for parameter "{key}"'
        if key not in names and key not in keyword_only and not code.co_flags & _HAS_KWARGS:
            return f'function {name} got an unexpected keyword argument "{key}"'
    without_default = names[: len(names) - len(function.__defaults__ or ())]
    missing = [param for param in without_default[len(args) :] if param not in kwargs]
    missing += [
        param
        for param in keyword_only
        if param not in kwargs and param not in (function.__kwdefaults__ or {})
    ]
    plural = "" if len(missing) == 1 else "s"
    return f"function {name} missing {len(missing)} argument{plural} ({', '.join(missing)})"
