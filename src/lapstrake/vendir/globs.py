"""Path patterns with ``**``: ``*`` stays within one folder, ``{a,b}`` and ``[a-z]`` are known."""

from __future__ import annotations

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
    try:
        return re.compile(_expression(pattern), re.DOTALL)
    except re.error as e:
        raise InputError(f"syntax error in pattern: {pattern}") from e


def _expression(pattern: str) -> str:
    out: list[str] = []
    depth = i = 0
    while i < len(pattern):
        char = pattern[i]
        if pattern.startswith("**/", i) and (i == 0 or pattern[i - 1] == "/"):
            out.append("(?:.*/)?")
            i += 3
            continue
        if pattern.startswith("**", i):
            out.append(".*")
            i += 2
            continue
        if char == "[":
            end = pattern.find("]", i + 2)
            if end < 0:
                raise re.error("unterminated class")
            out.append(_character_class(pattern[i + 1 : end]))
            i = end + 1
            continue
        if char == "\\" and i + 1 < len(pattern):
            i += 1
            out.append(re.escape(pattern[i]))
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


def _character_class(body: str) -> str:
    negated = body[:1] in ("!", "^")
    inner = re.sub(r"([\[\]\\&~|])", r"\\\1", body[1:] if negated else body)
    return f"[^/{inner}]" if negated else f"[{inner}]"
