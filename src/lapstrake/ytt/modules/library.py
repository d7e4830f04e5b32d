"""``@ytt:library``: evaluating the templates of a private library with values of one's own."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.ytt.evaluation import Evaluation


def members(evaluation: Evaluation, folder: str) -> dict[str, Any]:
    from lapstrake.starlark.errors import EvalError

    def get(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise EvalError("libraries are not available")

    return {"get": get}
