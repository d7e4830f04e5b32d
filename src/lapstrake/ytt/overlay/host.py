"""What overlays need from the evaluator of templates, and the names that types of the tree have in messages."""

from __future__ import annotations

from types import FunctionType

from lapstrake.starlark.values import Value
from lapstrake.yamldoc.nodes import Array, Map

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Protocol

    class Host(Protocol):
        """Crosses the border between document trees and Starlark values."""

        def call(self, function: Any, args: Sequence[Any]) -> Any:
            """Call a Starlark callable with Starlark values. Raises EvalError."""

        def to_starlark(self, value: Any) -> Any:
            """A value of the tree as Starlark sees it: a scalar as it is, a collection as a yamlfragment."""

        def to_yaml(self, value: Any) -> Any:
            """A Starlark value as a value of the tree; a yamlfragment gives the node that it shows."""


_TREE_TYPES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "float",
    str: "string",
    bytes: "string",
    type(None): "null",
    Map: "map",
    Array: "array",
}


def is_callable(value: Any) -> bool:
    return type(value) is FunctionType or (isinstance(value, Value) and type(value).call is not Value.call)


def tree_type(value: Any) -> str:
    """The type of a value of a tree as ytt's messages name it."""
    return _TREE_TYPES.get(type(value), type(value).__name__)
