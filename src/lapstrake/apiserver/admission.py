"""The points at which others take part in a write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lapstrake.kube.types import ResourceType

Admit = Callable[[str, ResourceType, dict[str, Any], Mapping[str, Any] | None], dict[str, Any]]
"""``(operation, rt, object, old) -> object``, with operation CREATE, UPDATE or DELETE.

It may change ``object`` in place and must answer with it, or raise ApiError; ``old`` is None for CREATE.
For DELETE ``object`` is the live object, and what becomes of it is ignored.
"""


def admitted(
    hooks: Sequence[Admit],
    operation: str,
    rt: ResourceType,
    obj: dict[str, Any],
    old: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The object after all hooks, in their order."""
    for hook in hooks:
        obj = hook(operation, rt, obj, old)
    return obj
