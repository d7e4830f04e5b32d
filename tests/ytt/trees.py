"""Document trees for tests: YAML whose ``#@name args`` comments become annotations with Python values."""

from __future__ import annotations

import re
from typing import Any

from lapstrake.starlark.values import Value
from lapstrake.yamldoc.nodes import Annotation, Array, DocumentSet, Map
from lapstrake.yamldoc.parser import parse
from lapstrake.yamldoc.plain import from_plain, to_plain
from lapstrake.ytt.overlay.module import members


class PlainHost:
    """Stands between trees and "Starlark": Python functions, dicts and lists play its values."""

    def call(self, function: Any, args: Any) -> Any:
        return function.call(tuple(args), {}) if isinstance(function, Value) else function(*args)

    def to_starlark(self, value: Any) -> Any:
        return to_plain(value)

    def to_yaml(self, value: Any) -> Any:
        return value if isinstance(value, (Map, Array, DocumentSet)) else from_plain(value)


HOST = PlainHost()


class _Overlay:
    def __init__(self) -> None:
        for name, member in members(HOST).items():
            setattr(self, name, _callable(member))


def _callable(member: Any) -> Any:
    if member.text().endswith("overlay.all>"):
        return member
    return lambda *args: member.call(args, {})


OVERLAY = _Overlay()


def tree(text: str, source: str = "a.yml") -> DocumentSet:
    docset = parse(text, source)
    pending: list[Any] = [docset]
    while pending:
        node = pending.pop()
        for comment in getattr(node, "comments", None) or ():
            match = re.match(r"@([a-z/-]+)(.*)", comment.text)
            if match:
                args, kwargs = eval(f"_taken({match[2]})", {"_taken": _taken, "overlay": OVERLAY})
                node.annotations = node.annotations or {}
                node.annotations[match[1]] = Annotation(match[1], args, kwargs, comment.position)
        value = getattr(node, "value", None)
        pending.extend(getattr(node, "items", ()))
        if isinstance(value, (Map, Array)):
            pending.append(value)
    return docset


def _taken(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return args, kwargs
