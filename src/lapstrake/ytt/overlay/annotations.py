"""Reading ``overlay/match``, ``overlay/match-child-defaults`` and the operation of a node."""

from __future__ import annotations

from lapstrake.errors import InputError
from lapstrake.yamldoc.nodes import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.yamldoc.nodes import Annotation, Node

MATCH = "overlay/match"
CHILD_DEFAULTS = "overlay/match-child-defaults"
OPERATIONS = (
    "overlay/merge",
    "overlay/remove",
    "overlay/replace",
    "overlay/insert",
    "overlay/append",
    "overlay/assert",
)
ALL = frozenset((MATCH, CHILD_DEFAULTS, *OPERATIONS))

NOT_GIVEN: Any = object()


class Defaults:
    """How many matches are expected where an item does not say it itself: Starlark values or ``NOT_GIVEN``."""

    __slots__ = ("expects", "missing_ok", "when")

    def __init__(self, expects: Any = NOT_GIVEN, missing_ok: Any = NOT_GIVEN, when: Any = NOT_GIVEN) -> None:
        self.expects = expects
        self.missing_ok = missing_ok
        self.when = when

    def overridden_by(self, kwargs: dict[str, Any]) -> Defaults:
        return Defaults(
            kwargs.get("expects", self.expects),
            kwargs.get("missing_ok", self.missing_ok),
            kwargs.get("when", self.when),
        )


NO_DEFAULTS = Defaults()


class Match:
    """What ``overlay/match`` says, with the defaults that reach the item filled in. ``by`` may be ``NOT_GIVEN``."""

    __slots__ = ("by", "count", "present")

    def __init__(self, by: Any, count: Defaults, present: bool) -> None:
        self.by = by
        self.count = count
        self.present = present


def match_of(node: Node, defaults: Defaults) -> Match:
    """Raises InputError for an unknown or missing keyword argument."""
    annotation = _annotation(node, MATCH)
    if annotation is None:
        return Match(NOT_GIVEN, defaults, present=False)
    kwargs = annotation.kwargs
    if not kwargs and node.__class__ is Document:
        raise InputError(
            f"Expected '{MATCH}' annotation to have at least one keyword argument (by=..., expects=...)"
        )
    _refuse_unknown(MATCH, kwargs, ("by", "expects", "missing_ok", "when"))
    return Match(kwargs.get("by", NOT_GIVEN), defaults.overridden_by(kwargs), present=True)


def child_defaults_of(node: Node, defaults: Defaults) -> Defaults:
    """The defaults for what is below ``node``. Raises InputError."""
    annotation = _annotation(node, CHILD_DEFAULTS)
    if annotation is None:
        return defaults
    kwargs = annotation.kwargs
    if not kwargs:
        raise InputError(
            f"Expected '{CHILD_DEFAULTS}' annotation to have at least one keyword argument (expects=...)"
        )
    _refuse_unknown(CHILD_DEFAULTS, kwargs, ("expects", "missing_ok", "when"))
    return defaults.overridden_by(kwargs)


def operation_of(node: Node) -> tuple[str, dict[str, Any]]:
    """The operation (``merge`` if none is named) and its keyword arguments. Raises InputError for two."""
    annotations = node.annotations
    if not annotations:
        return "merge", {}
    names = [name for name in OPERATIONS if name in annotations]
    if not names:
        return "merge", {}
    if len(names) > 1:
        raise InputError("Expected to find only one overlay operation")
    return names[0].removeprefix("overlay/"), annotations[names[0]].kwargs


def _annotation(node: Node, name: str) -> Annotation | None:
    return node.annotations.get(name) if node.annotations else None


def _refuse_unknown(name: str, kwargs: dict[str, Any], known: tuple[str, ...]) -> None:
    for keyword in kwargs:
        if keyword not in known:
            raise InputError(f"Unknown '{name}' annotation keyword argument '{keyword}'")


def keywords(operation: str, kwargs: dict[str, Any], known: tuple[str, ...]) -> None:
    """Raises InputError if an operation is given a keyword argument it does not know."""
    _refuse_unknown(f"overlay/{operation}", kwargs, known)
