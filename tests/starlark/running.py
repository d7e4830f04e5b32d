"""Runs a Starlark source for the tests of this folder."""

from __future__ import annotations

from typing import Any

from lapstrake.starlark.errors import EvalError, StaticError
from lapstrake.starlark.machine import Loaded, Machine
from lapstrake.starlark.parse import parse
from lapstrake.starlark.syntax import lines_of
from lapstrake.starlark.values import to_repr


def run(source: str, files: dict[str, str] | None = None, **limits: int) -> dict[str, Any]:
    """The exported globals of ``source``; ``files`` can be loaded."""
    machine = Machine(write=lambda text: None, **limits)

    def load(name: str) -> Loaded:
        values = machine.run(parse(name, lines_of((files or {})[name], name)), load=load)
        machine.freeze(tuple(values.values()))
        return Loaded(name, values)

    return machine.run(parse("main.star", lines_of(source, "main.star")), load=load)


def evaluated(expression: str) -> str:
    """The value of an expression as ``repr()`` shows it."""
    return to_repr(run(f"result = {expression}")["result"])


def failure(source: str, files: dict[str, str] | None = None, **limits: int) -> str:
    """Why ``source`` fails: the message, then one line per frame or place."""
    try:
        run(source, files, **limits)
    except StaticError as error:
        return "\n".join(
            f"{fault.message} [{', '.join(str(line.position) for line in fault.lines)}]"
            for fault in error.faults
        )
    except EvalError as error:
        places = [f"{frame.name} {frame.line.position if frame.line else '-'}" for frame in error.frames]
        return "\n".join([error.message, *places])
    raise AssertionError("the program did not fail")
