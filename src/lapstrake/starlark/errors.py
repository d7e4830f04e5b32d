"""What can go wrong in a Starlark program: before it runs (SyntaxErrors) and while it runs (EvalError)."""

from __future__ import annotations

from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapstrake.starlark.syntax import Line


class Fault:
    """One static error: the message and the lines it is shown with."""

    __slots__ = ("lines", "message")

    def __init__(self, message: str, lines: Sequence[Line]) -> None:
        self.message = message
        self.lines = lines


class StaticError(InputError):
    """The program cannot be run; all independent faults together."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


class Frame:
    """A call that was going on: the function's name and the line it was at (None: code of ours)."""

    __slots__ = ("line", "name")

    def __init__(self, name: str, line: Line | None) -> None:
        self.name = name
        self.line = line


class EvalError(InputError):
    """A Starlark program failed.

    ``frames``: the calls that were going on, innermost first, filled in wherever the error leaves the machine.
    ``inner`` are those that no traceback tells of.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.inner: list[Frame] = []
        self.frames: list[Frame] = []
