"""The text of errors in programs: what failed, in which calls, at which lines, and hints for common slips."""

from __future__ import annotations

from lapstrake.errors import InputError, LapstrakeError
from lapstrake.starlark.errors import EvalError, StaticError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapstrake.position import Position
    from lapstrake.starlark.errors import Frame
    from lapstrake.starlark.syntax import Line

_HINTS = (
    ("got '&', want primary expression", "hint: use 'and' instead of '&&' for logical-and"),
    ("got '|', want primary expression", "hint: use 'or' instead of '||' for logical-or"),
    ("got newline, want ':'", "hint: missing colon at the end of 'if/for/def' statement?"),
    ("undefined: true", "hint: use 'True' instead of 'true' for boolean assignment"),
    ("undefined: false", "hint: use 'False' instead of 'false' for boolean assignment"),
    ("undefined: null", "hint: use 'None' instead of 'null' to indicate no value"),
)


class ProgramFailed(InputError):
    """A template or library file that does not compile, or fails; the text tells all."""


def described(error: EvalError | StaticError) -> str:
    """The error as ytt lays it out: it begins with an empty line."""
    if isinstance(error, StaticError):
        return "".join(_item(fault.message, fault.lines, "    ") for fault in error.faults)
    first, newline, rest = error.message.partition("\n")
    return (
        f"\n- {_with_hint(first)}"
        + "".join(_frame(frame) for frame in error.frames)
        + (_reason(rest) if newline else "")
    )


def _item(message: str, lines: Sequence[Line], indent: str) -> str:
    shown = "".join(f"\n{indent}{shown_line(line)}" for line in lines)
    return f"\n- {_with_hint(message)}{shown}"


def _frame(frame: Frame) -> str:
    at = "" if frame.line is None else f"\n      {shown_line(frame.line)}"
    return f"\n    in {frame.name}{at}"


def shown_line(line: Line) -> str:
    """``config.yml:7 | its text``; without a file name for Starlark files."""
    position = line.position
    if line.generated:
        return f"{position.source}:? | {line.generated} (generated)"
    prefix = f"{position.source}:" if position.source else ""
    return f"{prefix}{position.line or '?'} | {position.text}"


def _reason(rest: str) -> str:
    lines = "".join(f"\n     {line}" for line in rest.split("\n"))
    return f"\n\n    reason:{lines}"


def _with_hint(message: str) -> str:
    for text, hint in _HINTS:
        if message == text:
            return f"{message} ({hint})"
    return message


def place_of(error: BaseException) -> Position | None:
    """The innermost place that an error, or one that caused it, tells of."""
    found: Position | None = None
    cause: BaseException | None = error
    while cause is not None:
        found = _own_place(cause) or found
        cause = cause.__cause__
    return found


def _own_place(error: BaseException) -> Position | None:
    if isinstance(error, EvalError):
        lines = [frame.line for frame in error.frames if frame.line is not None]
        return lines[0].position if lines else error.position
    if isinstance(error, StaticError):
        lines = [line for fault in error.faults for line in fault.lines]
        return lines[0].position if lines else error.position
    return error.position if isinstance(error, LapstrakeError) else None
