"""The standard library, ``@ytt:NAME``: one module of ours per name, imported when a template loads it."""

from __future__ import annotations

from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.ytt.evaluation import Evaluation

_PURE = {
    "base64": "encoding",
    "ip": "addresses",
    "json": "serialization",
    "math": "mathematics",
    "md5": "encoding",
    "module": "values",
    "regexp": "patterns",
    "sha256": "encoding",
    "struct": "values",
    "template": "values",
    "toml": "serialization",
    "url": "addresses",
    "version": "versions",
    "yaml": "serialization",
}
_NAMES = {*_PURE, "assert", "data", "library", "overlay"}


class Modules:
    """The standard modules as the files of one folder see them."""

    __slots__ = ("_evaluation", "_folder")

    def __init__(self, evaluation: Evaluation, folder: str) -> None:
        self._evaluation = evaluation
        self._folder = folder

    def module(self, name: str) -> dict[str, Any]:
        """What ``load("@ytt:name", ...)`` may name. Raises InputError for an unknown module."""
        if name not in _NAMES:
            raise InputError(
                f"builtin ytt library does not have module '{name}' (hint: is it available in newer version of ytt?)"
            )
        return {name: self._value(name)}

    def _value(self, name: str) -> Any:
        from lapstrake.ytt.modules.function import module

        evaluation = self._evaluation
        if name == "data":
            from lapstrake.ytt.modules import data

            return module("data", data.members(evaluation, self._folder))
        if name == "overlay":
            from lapstrake.ytt.overlay.module import members

            return module("overlay", members(evaluation.run))
        if name == "assert":
            from lapstrake.ytt.modules import assertions

            return module("assert", assertions.members(evaluation.run))
        if name == "library":
            from lapstrake.ytt.modules import library

            return module("library", library.members(evaluation, self._folder))
        from importlib import import_module

        found = import_module(f"lapstrake.ytt.modules.{_PURE[name]}")
        return module(name, getattr(found, f"{name}_members")(evaluation.run))
