"""``@ytt:regexp``: regular expressions in Go's syntax, run by Python's engine."""

from __future__ import annotations

import re

from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import joined_bytes
from lapstrake.ytt.modules.function import a_string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lapstrake.ytt.evaluation import Run

_LEADING_FLAGS = re.compile(r"\(\?([imsU]+)\)")
_REFERENCE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": "\\x00-\\x7F",
    "blank": "\\t ",
    "cntrl": "\\x00-\\x1F\\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\t\\n\\v\\f\\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_CATEGORIES = {
    "L": "[^\\W\\d_]",
    "Lu": "[A-ZÀ-ÖØ-ÞΑ-ΫА-Я]",
    "Ll": "[a-zß-öø-ÿα-ωа-я]",
    "N": "\\d",
    "Nd": "\\d",
}
MAX_PATTERN = 1000


def regexp_members(run: Run) -> dict[str, Any]:
    def replace(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        if len(args) != 3:
            raise EvalError("expected exactly three arguments")
        pattern, text = compiled(a_string(args[0])), a_string(args[1])
        if type(args[2]) is str:
            return replaced(pattern, text, _template(args[2]))
        return replaced(pattern, text, lambda match: a_string(run.call(args[2], (match.group(),))))

    return {"match": _match, "replace": replace}


def _match(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    if len(args) != 2:
        raise EvalError("expected exactly two arguments")
    return compiled(a_string(args[0])).search(a_string(args[1])) is not None


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of Go's regexp as one of Python's. Raises EvalError."""
    if len(pattern) > MAX_PATTERN:
        raise EvalError("error parsing regexp: expression too large")
    try:
        return re.compile(_translated(pattern))
    except (re.error, RecursionError, OverflowError) as error:
        raise EvalError(f"error parsing regexp: {_problem(error, pattern)}") from None


def _problem(error: Exception, pattern: str) -> str:
    text = str(error)
    if "missing )" in text or "unterminated subpattern" in text:
        return f"missing closing ): `{pattern}`"
    if "unbalanced parenthesis" in text:
        return f"unexpected ): `{pattern}`"
    if "unterminated character set" in text:
        return f"missing closing ]: `{pattern[pattern.rfind('[') :]}`"
    if "nothing to repeat" in text:
        position = getattr(error, "pos", None) or 0
        return f"missing argument to repetition operator: `{pattern[position : position + 1]}`"
    return f"{text}: `{pattern}`"


def _translated(pattern: str) -> str:
    """The differences that matter: flags inside, character classes, end of text, lookaround is unknown to Go."""
    out: list[str] = []
    at = 0
    in_set = False
    while at < len(pattern):
        piece, at, in_set = _next_piece(pattern, at, in_set)
        out.append(piece)
    return "".join(out)


def _next_piece(pattern: str, at: int, in_set: bool) -> tuple[str, int, bool]:
    char = pattern[at]
    if char == "\\" and at + 1 < len(pattern):
        return _escape(pattern, at, in_set)
    if in_set:
        if pattern.startswith("[:", at) and (end := pattern.find(":]", at)) > 0:
            name = pattern[at + 2 : end]
            return _CLASSES.get(name, name), end + 2, True
        return ("\\[" if char == "[" else char), at + 1, char != "]"
    if char == "[":
        length = 2 if pattern.startswith("[^", at) else 1
        piece = pattern[at : at + length]
        if pattern[at + length : at + length + 1] == "]":
            return piece + "\\]", at + length + 1, True
        return piece, at + length, True
    if char == "$":
        return ("$" if _is_multiline(pattern) else "\\Z"), at + 1, False
    flags = _LEADING_FLAGS.match(pattern, at)
    if flags is not None:
        # Python takes global flags at the very beginning only; elsewhere a group up to the end says the same.
        letters = flags.group(1).replace("U", "")
        return (f"(?{letters})" if at == 0 and letters else ""), flags.end(), False
    if pattern.startswith(("(?=", "(?!", "(?<=", "(?<!"), at):
        raise re.error(f"invalid or unsupported Perl syntax: `{pattern[at : at + 3]}`")
    return char, at + 1, False


def _is_multiline(pattern: str) -> bool:
    found = _LEADING_FLAGS.match(pattern)
    return found is not None and "m" in found.group(1)


def _escape(pattern: str, at: int, in_set: bool) -> tuple[str, int, bool]:
    char = pattern[at + 1]
    if char in "pP":
        name, end = pattern[at + 2 : at + 3], at + 3
        if name == "{":
            end = pattern.find("}", at) + 1
            name = pattern[at + 3 : end - 1]
        known = _CATEGORIES.get(name)
        if known is None or (in_set and known.startswith("[^")):
            raise re.error(f"invalid character class range: `{pattern[at:end]}`")
        return known, end, in_set
    plain = {"d": "0-9", "w": "0-9A-Za-z_", "s": "\\t\\n\\f\\r "}
    if char in plain:
        return (plain[char] if in_set else f"[{plain[char]}]"), at + 2, in_set
    if char in "DWS" and not in_set:
        return f"[^{plain[char.lower()]}]", at + 2, in_set
    if char == "b" and not in_set:
        return "(?a:\\b)", at + 2, in_set
    if char == "z":
        return "\\Z", at + 2, in_set
    return pattern[at : at + 2], at + 2, in_set


def _template(text: str) -> Callable[[re.Match[str]], str]:
    """What ``$1`` and ``${name}`` stand for; a group that is not there is empty, and ``$$`` is no escape."""

    def expand(match: re.Match[str]) -> str:
        def reference(found: re.Match[str]) -> str:
            name = found.group(1) or found.group(2)
            if name is None:
                return "$"
            try:
                return match.group(int(name) if name.isdigit() else name) or ""
            except IndexError:
                return ""

        return _REFERENCE.sub(reference, text)

    return expand


def replaced(pattern: re.Pattern[str], text: str, expand: Callable[[re.Match[str]], str]) -> str:
    """All matches replaced; an empty match right after another match does not count, as in Go."""
    out: list[str] = []
    at = 0
    last_end = -1
    for match in pattern.finditer(text):
        if match.start() == match.end() == last_end:
            continue
        out.append(text[at : match.start()])
        out.append(expand(match))
        at = last_end = match.end()
    out.append(text[at:])
    return joined_bytes("".join(out))
