"""The ready-made checks that the keyword rules of validations (``min_len=`` and so on) stand for.

Each returns why a value does not pass, or None. Values and bounds are Starlark values.
"""

from __future__ import annotations

from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import length_of, less, to_repr, to_text, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def _length(value: Any) -> int:
    length = length_of(value)
    if length is None:
        raise EvalError(f"len: value of type {type_name(value)} has no len")
    return length


def min_len_problem(value: Any, bound: int) -> str | None:
    length = _length(value)
    return f"length = {length}" if length < bound else None


def max_len_problem(value: Any, bound: int) -> str | None:
    length = _length(value)
    return f"length = {length}" if length > bound else None


def min_problem(value: Any, bound: Any) -> str | None:
    return f"value < {to_text(bound)}" if less(value, bound, "<") else None


def max_problem(value: Any, bound: Any) -> str | None:
    return f"value > {to_text(bound)}" if less(bound, value, "<") else None


def one_not_null_problem(given: Sequence[Any]) -> str | None:
    """``given``: the keys whose values are not null."""
    if len(given) == 1:
        return None
    return f"{to_repr(list(given))} are not null" if given else "all values are null"
