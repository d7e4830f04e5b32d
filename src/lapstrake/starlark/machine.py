"""Runs Starlark programs: gives each its own globals and operations, loads, freezes, and explains failures."""

from __future__ import annotations

import sys
from types import FunctionType

from lapstrake.starlark import operators as guarded
from lapstrake.starlark.builtins import UNIVERSE_NAMES, universe
from lapstrake.starlark.compile import compile_program
from lapstrake.starlark.errors import EvalError, Frame
from lapstrake.starlark.guard import Guard
from lapstrake.starlark.operators import Operators, unpacked
from lapstrake.starlark.resolve import resolve
from lapstrake.starlark.values import equal, function_name, key_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Any

    from lapstrake.starlark.compile import Compiled
    from lapstrake.starlark.syntax import FunctionHooks, Line, Program

DEFAULT_DEPTH = 3000
_COUNTED = ("add", "subtract", "multiply", "modulo", "get_slice", "spread", "spread_names")
_INNER_CODE = frozenset({"<listcomp>", "<dictcomp>", "<genexpr>"})


class Loaded:
    """What a load gives: the module's public names and values, and its name for messages."""

    __slots__ = ("name", "values")

    def __init__(self, name: str, values: Mapping[str, Any]) -> None:
        self.name = name
        self.values = values


class Machine:
    """Everything that programs of one run share.

    ``write`` receives what ``print`` prints. ``max_steps`` bounds calls and iterations (0: no bound),
    ``max_depth`` how deep Python's own stack may grow below this machine; ``max_calls`` and ``max_memory`` are
    those of BoundedOperators.
    """

    def __init__(
        self,
        *,
        write: Callable[[str], None],
        max_steps: int = 0,
        max_calls: int = 0,
        max_memory: int = 0,
        max_depth: int = DEFAULT_DEPTH,
    ) -> None:
        self.guard = Guard(max_steps)
        self.operators = Operators(self.guard, self._callee_frame)
        self.charge: Callable[[int], None] | None = None
        bounded: dict[str, Any] = {}
        if max_calls or max_memory:
            from lapstrake.starlark.bounds import BoundedOperators

            self.operators = counting = BoundedOperators(
                self.guard, self._callee_frame, max_calls=max_calls, max_memory=max_memory
            )
            self.charge = counting.charge
            bounded = {f".{name}": getattr(counting, name) for name in _COUNTED}
        self.max_depth = max_depth
        self.programs: dict[str, Sequence[Line]] = {}
        self._repeated: dict[Program, tuple[Sequence[str], Compiled]] = {}
        self.base: dict[str, Any] = {
            **universe(self.operators, write),
            **_operations(self.operators),
            **bounded,
        }

    # -- running

    def run(
        self,
        program: Program,
        *,
        load: Callable[[str], Loaded],
        predeclared: Mapping[str, Any] | None = None,
        function_hooks: FunctionHooks | None = None,
    ) -> dict[str, Any]:
        """Run a program and give its exported globals, not yet frozen.

        ``load`` finds the module a load statement names; ``predeclared`` are further names the program may use.
        Raises StaticError before, EvalError (with frames) while it runs.
        """
        exports, compiled = self._prepared(program, predeclared, function_hooks)
        builtins = {**self.base, **(predeclared or {}), **compiled.hooks}
        builtins[".load"] = lambda module, wanted: self._load(load, module, wanted)
        module_globals: dict[str, Any] = {"__builtins__": builtins}
        self._guarded(lambda: exec(compiled.code, module_globals))
        return {name: module_globals[name] for name in exports if name in module_globals}

    def _prepared(
        self,
        program: Program,
        predeclared: Mapping[str, Any] | None,
        function_hooks: FunctionHooks | None,
    ) -> tuple[Sequence[str], Compiled]:
        """A program's exported names and code; of a library that is loaded often, those of the first time."""
        if program in self._repeated:
            return self._repeated[program]
        names = UNIVERSE_NAMES if not predeclared else UNIVERSE_NAMES | frozenset(predeclared)
        resolution = resolve(program, names)
        filename = f"<starlark {len(self.programs)}>"
        self.programs[filename] = program.lines
        compiled = self._compiled(program, filename, function_hooks)
        if predeclared is None and function_hooks is None:
            self._repeated[program] = (resolution.exports, compiled)
        return resolution.exports, compiled

    def _compiled(self, program: Program, filename: str, function_hooks: FunctionHooks | None) -> Compiled:
        try:
            return compile_program(program, filename, function_hooks)
        except (RecursionError, MemoryError, SyntaxError) as error:
            raise EvalError(f"program is too large or too deeply nested ({type(error).__name__})") from None

    def call(self, function: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """Call a Starlark function from outside. Raises EvalError with frames."""
        return self._guarded(lambda: self.operators.call(function, *args, **(kwargs or {})))

    def freeze(self, value: Any) -> None:
        self.guard.freeze(value)

    def _guarded(self, action: Callable[[], Any]) -> Any:
        limit = sys.getrecursionlimit()
        if limit < self.max_depth:
            sys.setrecursionlimit(self.max_depth)
        try:
            return action()
        except EvalError as error:
            self.locate(error)
            raise
        except (TypeError, KeyError, NameError, OverflowError, RecursionError, MemoryError) as error:
            translated = self._translated(error)
            if translated is None:
                raise
            raise translated from error

    # -- loading

    def _load(self, load: Callable[[str], Loaded], module: str, wanted: Sequence[str]) -> list[Any]:
        from lapstrake.spelling import nearest

        loaded = load(module)
        values: list[Any] = []
        for name in wanted:
            if name not in loaded.values:
                candidate = nearest(name, loaded.values)
                hint = f" (did you mean {candidate}?)" if candidate is not None else ""
                raise EvalError(f"load: name {name} not found in module {loaded.name}{hint}")
            values.append(loaded.values[name])
        return values

    # -- explaining

    def locate(self, error: EvalError) -> None:
        """Fill in the frames of an error that is on its way out of a program."""
        error.frames = error.inner + self._frames(error.__traceback__)

    def _frames(self, traceback: TracebackType | None) -> list[Frame]:
        """The program's frames in a traceback, innermost first."""
        frames: list[Frame] = []
        inner = None
        steps = []
        while traceback is not None:
            steps.append(traceback)
            traceback = traceback.tb_next
        for step in reversed(steps):
            code = step.tb_frame.f_code
            lines = self.programs.get(code.co_filename)
            if lines is None:
                continue
            line = lines[step.tb_lineno - 1]
            if code.co_name in _INNER_CODE:
                # A comprehension is no call; its line is the better one of its function's.
                inner = inner or line
                continue
            name = {"<module>": "<toplevel>", "<lambda>": "lambda"}.get(code.co_name, code.co_name)
            frames.append(Frame(name, inner or line))
            inner = None
        return frames

    def _callee_frame(self, function: FunctionType, message: str) -> Frame:
        code = function.__code__
        lines = self.programs[code.co_filename]
        first = code.co_firstlineno
        if "accepts no arguments" not in message:
            first = min([line for _, _, line in code.co_lines() if line and line > first], default=first)
        return Frame(function_name(function), lines[first - 1])

    def _translated(self, error: Exception) -> EvalError | None:
        """The language's error for one of Python's; None for what is a defect of ours."""
        innermost = error.__traceback__
        while innermost is not None and innermost.tb_next is not None:
            innermost = innermost.tb_next
        in_program = innermost is not None and innermost.tb_frame.f_code.co_filename in self.programs
        if isinstance(error, RecursionError):
            found = EvalError("function calls are nested too deeply")
        elif isinstance(error, MemoryError):
            found = EvalError("out of memory")
        elif isinstance(error, OverflowError):
            found = EvalError("number is too large")
        elif in_program and isinstance(error, NameError):
            found = EvalError(_unbound(error))
        elif in_program and isinstance(error, (TypeError, KeyError)):
            # The one thing that compiled code leaves to Python: a keyword that ** repeats (either error, by version).
            name = str(error).removesuffix("'").rpartition("'")[2]
            found = EvalError(f'got multiple values for keyword argument "{name}"')
        else:
            return None
        found.inner = found.frames = _shortened(self._frames(error.__traceback__))
        return found

    # -- what else a host needs

    def get_attr(self, value: Any, name: str) -> Any:
        return self.operators.get_attr(value, name)


def _unbound(error: NameError) -> str:
    text = str(error)
    name = text.split("'")[1] if "'" in text else "?"
    is_global = text.startswith("name '")
    return f"{'global' if is_global else 'local'} variable {name} referenced before assignment"


def _shortened(frames: list[Frame]) -> list[Frame]:
    """A runaway recursion's frames: the two ends are enough."""
    return frames if len(frames) <= 40 else frames[:20] + frames[-20:]


def _operations(operators: Operators) -> dict[str, Any]:
    """The hidden names that compiled code uses."""

    def iterate_unpacked(items: Iterator[Any], shape: Sequence[Any]) -> Iterator[Any]:
        for item in items:
            yield unpacked(item, shape)

    plain = [
        "add",
        "subtract",
        "multiply",
        "divide",
        "floor_divide",
        "modulo",
        "bit_or",
        "bit_and",
        "bit_xor",
        "shift_left",
        "shift_right",
        "negative",
        "positive",
        "invert",
        "not_equal",
        "lower",
        "lower_equal",
        "greater",
        "greater_equal",
        "contains",
        "lacks",
        "get_index",
        "get_slice",
        "unpacked",
        "dict_display",
        "spread",
        "spread_names",
    ]
    operations = {f".{name}": getattr(guarded, name) for name in plain}
    bound = [
        "set_index",
        "set_attr",
        "in_place_add",
        "augment_index",
        "augment_attr",
        "get_attr",
        "invoke",
        "call",
    ]
    operations.update({f".{name}": getattr(operators, name) for name in bound})
    operations[".equal"] = equal
    operations[".key_of"] = key_of
    operations[".tick"] = operators.guard.tick
    operations[".iterate"] = operators.guard.iterate
    operations[".iterate_unpacked"] = iterate_unpacked
    return operations
