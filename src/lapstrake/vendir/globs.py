"""Path patterns: ``**`` as a whole part stands for any folders, ``*`` stays in one, ``{a,b/c}`` and ``[a-z]`` are known.

Source: behaviour of the original on some 250 patterns. A pattern is cleaned as a path first; ``**`` beside other
characters, a brace among them, is a plain ``*``; a class is negated by ``^`` alone.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from lapstrake.errors import InputError


def matcher(patterns: Sequence[str], *, cleaned: bool = True) -> Callable[[str], bool]:
    """A test whether any of ``patterns`` matches a whole path; ``cleaned`` false takes them as they are written.

    Asked about a path that no earlier pattern matches, it raises InputError for a broken one.
    """
    if cleaned:
        patterns = [posixpath.normpath("/" + pattern).strip("/") for pattern in patterns]
    return lambda path: any(_compiled(pattern).fullmatch(path) for pattern in patterns)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(_expression(pattern), re.DOTALL)
    except re.error as e:
        raise InputError("syntax error in pattern") from e


def _expression(text: str) -> str:
    out: list[str] = []
    depth = i = 0
    while i < len(text):
        char = text[i]
        if text.startswith("**", i) and (i == 0 or text[i - 1] == "/"):
            after = _after(text, i + 2, depth)
            if not after:
                out.append(".*")
                i += 2
                continue
            if after == "/":
                i += 2 + _any_folders(out)
                continue
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


def _any_folders(out: list[str]) -> int:
    """Add an expression that stands for folders and one slash; gives how many slashes after ``**`` it takes.

    The slash before it is used where there is one, since the one behind may stand outside of braces.
    """
    if not out or out[-1] != "/":
        out.append("(?:.*/)?")
        return 1
    out[-1] = "(?:/.*)?"
    return 0


def _after(text: str, i: int, depth: int) -> str:
    """The character at ``i``, or behind the braces (``depth`` of them are open) if an alternative ends there."""
    while depth and text[i : i + 1] in (",", "}"):
        i = _closing(text, i) + 1
        depth -= 1
    return text[i : i + 1]


def _closing(text: str, i: int) -> int:
    """Where the innermost braces that are open at ``i`` are closed; the end if they are not."""
    inner = 0
    while i < len(text) and (inner or text[i] != "}"):
        inner += (text[i] == "{") - (text[i] == "}")
        i += 2 if text[i] == "\\" else 1
    return i


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
    return (f"[^/{''.join(ranges)}]" if negated else f"(?!/)[{''.join(ranges)}]"), i + 1


def _member(text: str, i: int) -> tuple[str, int]:
    if text[i : i + 1] in ("", "-", "]"):
        raise re.error("unfinished class")
    if text[i] == "\\":
        i += 1
        if i == len(text):
            raise re.error("nothing to escape")
    return text[i], i + 1
