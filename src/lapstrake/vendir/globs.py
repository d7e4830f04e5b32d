"""Path patterns: ``**`` as a whole part stands for any folders, ``*`` stays in one, ``{a,b}`` and ``[a-z]`` are known.

Source: behaviour of the original on some 170 patterns. A pattern is cleaned as a path first; ``**`` beside other
characters is a plain ``*``; a class is negated by ``^`` alone.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from lapstrake.errors import InputError


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """A test whether any of ``patterns`` matches a whole path. Raises InputError for a broken pattern."""
    compiled = [_compiled(pattern) for pattern in patterns]
    return lambda path: any(expression.fullmatch(path) for expression in compiled)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = posixpath.normpath("/" + pattern).strip("/").split("/")
    try:
        return re.compile(_joined(parts), re.DOTALL)
    except re.error as e:
        raise InputError("syntax error in pattern") from e


def _joined(parts: Sequence[str]) -> str:
    out = ""
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if part == "**":
            out += ".*" if last else "(?:.*/)?"
        else:
            out += _part(part) + ("" if last else "/")
    return out


def _part(text: str) -> str:
    """The expression for one part of a path; braces do not reach over a slash."""
    out: list[str] = []
    depth = i = 0
    while i < len(text):
        char = text[i]
        if char == "[":
            expression, i = _class(text, i)
            out.append(expression)
            continue
        if char == "\\":
            i += 1
            if i == len(text):
                raise re.error("nothing to escape")
            out.append(re.escape(text[i]))
        elif char == "{":
            depth += 1
            out.append("(?:")
        elif char == "}" and depth:
            depth -= 1
            out.append(")")
        elif char == "," and depth:
            out.append("|")
        else:
            out.append({"*": "[^/]*", "?": "[^/]"}.get(char) or re.escape(char))
        i += 1
    return "".join(out)


def _class(text: str, start: int) -> tuple[str, int]:
    """The expression for the class that begins at ``start``, and where it ends."""
    i = start + 1
    negated = text[i : i + 1] == "^"
    i += negated
    ranges: list[str] = []
    while text[i : i + 1] != "]":
        low, i = _member(text, i)
        high = low
        if text[i : i + 1] == "-":
            high, i = _member(text, i + 1)
        if low <= high:
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
    if i == start + 1 + negated:
        raise re.error("empty class")
    if not ranges:
        return ("[^/]" if negated else "(?!)"), i + 1
    return (f"[^/{''.join(ranges)}]" if negated else f"[{''.join(ranges)}]"), i + 1


def _member(text: str, i: int) -> tuple[str, int]:
    if text[i : i + 1] in ("", "-", "]"):
        raise re.error("unfinished class")
    if text[i] == "\\":
        i += 1
        if i == len(text):
            raise re.error("nothing to escape")
    return text[i], i + 1
