"""``@ytt:regexp``: regular expressions in Go's syntax, on an engine that no pattern can keep busy."""

from __future__ import annotations

import re

from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import MAX_REPEATED, joined_bytes
from lapstrake.ytt.modules.function import a_string
from lapstrake.ytt.modules.regex_engine import Regex, TooCostly
from lapstrake.ytt.modules.regex_syntax import PatternError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from lapstrake.ytt.evaluation import Run

    Groups: TypeAlias = tuple[int, ...]

_REFERENCE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))", re.ASCII)
MAX_PATTERN = 1000
MAX_KNOWN = 100


def regexp_members(run: Run) -> dict[str, Any]:
    known: dict[str, Regex] = {}

    def of(pattern: Any) -> Regex:
        text = a_string(pattern)
        found = known.get(text)
        if found is None:
            if len(known) >= MAX_KNOWN:
                known.clear()
            found = known[text] = compiled(text)
        return found

    def match(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        if len(args) != 2:
            raise EvalError("expected exactly two arguments")
        regex, text = of(args[0]), a_string(args[1])
        try:
            return next(regex.matches(text), None) is not None
        except TooCostly:
            raise EvalError(_too_costly(text)) from None

    def replace(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        if len(args) != 3:
            raise EvalError("expected exactly three arguments")
        regex, text = of(args[0]), a_string(args[1])
        if type(args[2]) is str:
            return replaced(regex, text, _template(args[2], regex, text))
        return replaced(
            regex, text, lambda groups: a_string(run.call(args[2], (text[groups[0] : groups[1]],)))
        )

    return {"match": match, "replace": replace}


def compiled(pattern: str) -> Regex:
    """Raises EvalError."""
    if len(pattern) > MAX_PATTERN:
        raise EvalError("error parsing regexp: expression too large")
    try:
        return Regex(pattern)
    except PatternError as error:
        raise EvalError(f"error parsing regexp: {error}") from None


def _too_costly(text: str) -> str:
    return f"a text of {len(text)} characters is too long for this regular expression"


def _template(template: str, regex: Regex, text: str) -> Callable[[Groups], str]:
    """What ``$1`` and ``${name}`` stand for; a group that is not there is empty, and ``$$`` is a dollar sign."""

    def expand(groups: Groups) -> str:
        def reference(found: re.Match[str]) -> str:
            name = found.group(1) or found.group(2)
            if name is None:
                return "$"
            number = int(name) if name.isdigit() and len(name) < 6 else regex.names.get(name, -1)
            if not 0 <= 2 * number < len(groups) or groups[2 * number] < 0:
                return ""
            return text[groups[2 * number] : groups[2 * number + 1]]

        return _REFERENCE.sub(reference, template)

    return expand


def replaced(regex: Regex, text: str, expand: Callable[[Groups], str]) -> str:
    """All matches replaced; an empty match right after another match does not count, as in Go. Raises EvalError."""
    out: list[str] = []
    at = size = 0
    last_end = -1
    try:
        for groups in regex.matches(text):
            begin, end = groups[:2]
            if begin == end == last_end:
                continue
            out += (text[at:begin], expand(groups))
            size += len(out[-1])
            if size > MAX_REPEATED:
                raise EvalError("replace: result is too large")
            at = last_end = end
    except TooCostly:
        raise EvalError(_too_costly(text)) from None
    out.append(text[at:])
    return joined_bytes("".join(out))
