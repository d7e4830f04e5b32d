"""Operations that also count how deep calls nest and how much they build: for programs of strangers."""

from __future__ import annotations

from types import FunctionType

from lapstrake.starlark import operators as guarded
from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.operators import Operators
from lapstrake.starlark.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lapstrake.starlark.errors import Frame
    from lapstrake.starlark.guard import Guard

_SEQUENCES = frozenset({str, list, tuple})
# These give what was there before.
_GIVING = frozenset({"get", "getattr", "max", "min", "pop", "popitem", "setdefault"})
_SIZED = frozenset({str, list, tuple, dict, range})


class BoundedOperators(Operators):
    """``max_calls``: calls within calls; ``max_memory``: characters, elements and nodes built, in all (0: no bound)."""

    def __init__(
        self,
        guard: Guard,
        callee_frame: Callable[[FunctionType, str], Frame],
        *,
        max_calls: int = 0,
        max_memory: int = 0,
    ) -> None:
        super().__init__(guard, callee_frame)
        self.max_calls = max_calls
        self.max_memory = max_memory
        self.calls = 0
        self.built = 0

    def charge(self, size: int) -> None:
        """Count what is about to be built. Raises EvalError if that is too much."""
        self.built += size
        if self.max_memory and self.built > self.max_memory:
            raise EvalError(f"too much memory (more than {self.max_memory} characters, elements and nodes)")

    # -- what compiled code uses in place of the plain operations

    def add(self, a: Any, b: Any) -> Any:
        if type(a) in _SEQUENCES and type(a) is type(b):
            self.charge(len(a) + len(b))
            return guarded.add(a, b)
        return self._charged(guarded.add(a, b))

    def subtract(self, a: Any, b: Any) -> Any:
        return self._charged(guarded.subtract(a, b))

    def multiply(self, a: Any, b: Any) -> Any:
        for value, count in ((a, b), (b, a)):
            if type(value) in _SEQUENCES and type(count) is int and count > 0:
                self.charge(len(value) * count)
                return guarded.multiply(a, b)
        return self._charged(guarded.multiply(a, b))

    def modulo(self, a: Any, b: Any) -> Any:
        return self._charged(guarded.modulo(a, b))

    def get_slice(self, value: Any, low: Any, high: Any, step: Any) -> Any:
        return self._charged(guarded.get_slice(value, low, high, step))

    def spread(self, value: Any) -> Any:
        self.charge(_size(value))
        return guarded.spread(value)

    def spread_names(self, value: Any) -> Any:
        self.charge(_size(value))
        return guarded.spread_names(value)

    def in_place_add(self, a: Any, b: Any) -> Any:
        if type(a) is not list:
            return self.add(a, b)
        self.charge(_size(b))
        return super().in_place_add(a, b)

    def invoke(self, value: Any, name: str, /, *args: Any, **kwargs: Any) -> Any:
        self._charge_ranges(args)
        if name in ("extend", "update"):
            self.charge(sum([_size(arg) for arg in args]))
        result = super().invoke(value, name, *args, **kwargs)
        return result if name in _GIVING else self._charged(result)

    def call(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        if type(function) is not FunctionType:
            self._charge_ranges(args)
        self.calls += 1
        try:
            if self.max_calls and self.calls > self.max_calls:
                raise EvalError("function calls are nested too deeply")
            result = super().call(function, *args, **kwargs)
            if type(function) is FunctionType or getattr(function, "name", "") in _GIVING:
                return result
            return self._charged(result)
        finally:
            self.calls -= 1

    def _charge_ranges(self, args: tuple[Any, ...]) -> None:
        """Every other argument was counted when it was built; of a range the elements come into being now."""
        for arg in args:
            if type(arg) is range:
                self.charge(len(arg))

    def _charged(self, value: Any) -> Any:
        if type(value) is int:
            self.charge(value.bit_length() >> 6)
        elif type(value) is not range:
            self.charge(_size(value))
        return value


def _size(value: Any) -> int:
    """The elements or characters of a value, not of what is in it."""
    if type(value) in _SIZED:
        return len(value)
    return value.length() or 0 if isinstance(value, Value) else 0
