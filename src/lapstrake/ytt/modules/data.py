"""``@ytt:data``: the data values, and the files of the run as they are."""

from __future__ import annotations

from lapstrake.starlark.errors import EvalError
from lapstrake.ytt.modules.function import a_string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.ytt.evaluation import Evaluation


def members(evaluation: Evaluation, folder: str) -> dict[str, Any]:
    tree = evaluation.tree

    def read(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        if len(args) != 1:
            raise EvalError("expected exactly one argument")
        return tree.find(a_string(args[0]), folder).decoded()

    def listing(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
        if len(args) > 1:
            raise EvalError("expected exactly zero or one argument")
        return tree.listing(a_string(args[0]) if args else "", folder)

    return {"read": read, "list": listing, "values": evaluation.values}
