"""Which lists and dicts may be changed: frozen ones never, those being iterated not now.

Native lists and dicts cannot carry that knowledge, so it is kept by identity; a frozen value is held here, so
that its identity is not given to another. Only mutators look.
"""

from __future__ import annotations

from types import FunctionType

from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import Value, iterate_plain, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class Guard:
    """The state of one machine; ``steps`` counts calls and iterations, against ``max_steps`` (0: no bound)."""

    __slots__ = ("frozen", "iterating", "max_steps", "steps")

    def __init__(self, max_steps: int = 0) -> None:
        self.frozen: dict[int, Any] = {}
        self.iterating: dict[int, int] = {}
        self.steps = 0
        self.max_steps = max_steps

    def tick(self, steps: int = 1) -> bool:
        self.steps += steps
        if self.max_steps and self.steps > self.max_steps:
            raise EvalError(f"too many steps (more than {self.max_steps})")
        return True

    def check_list(self, value: list[Any], verb: str) -> None:
        if id(value) in self.frozen:
            raise EvalError(f"cannot {verb} frozen list")
        if id(value) in self.iterating:
            raise EvalError(f"cannot {verb} list during iteration")

    def check_dict(self, value: dict[Any, Any], verb: str) -> None:
        if id(value) in self.frozen:
            raise EvalError(f"cannot {verb} frozen hash table")
        if id(value) in self.iterating:
            raise EvalError(f"cannot {verb} hash table during iteration")

    def iterate(self, value: Any) -> Iterator[Any]:
        """The elements, with changes to ``value`` refused until the end."""
        kind = type(value)
        if kind is list or kind is dict:
            self.tick(len(value))
            return self._guarded(value)
        found = iterate_plain(value)
        if found is None:
            raise EvalError(f"{type_name(value)} value is not iterable")
        if kind is tuple or kind is range:
            self.tick(len(value))
        return found

    def _guarded(self, value: Any) -> Iterator[Any]:
        identity = id(value)
        iterating = self.iterating
        iterating[identity] = iterating.get(identity, 0) + 1
        try:
            yield from iterate_plain(value) or ()
        finally:
            left = iterating[identity] - 1
            if left:
                iterating[identity] = left
            else:
                del iterating[identity]

    def freeze(self, value: Any) -> None:
        """Freeze ``value`` and all it reaches, through closures and defaults too."""
        pending = [value]
        frozen = self.frozen
        while pending:
            value = pending.pop()
            kind = type(value)
            if (
                kind is list
                or kind is dict
                or kind is tuple
                or kind is FunctionType
                or isinstance(value, Value)
            ):
                if id(value) in frozen:
                    continue
                frozen[id(value)] = value
            if kind is list or kind is tuple:
                pending.extend(value)
            elif kind is dict:
                pending.extend(value.keys())
                pending.extend(value.values())
            elif kind is FunctionType:
                pending.extend(value.__defaults__ or ())
                pending.extend((value.__kwdefaults__ or {}).values())
                pending.extend(_cell_values(value))
            elif isinstance(value, Value):
                value.freeze()
                pending.extend(value.children())


def _cell_values(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:
            continue
