"""Documents written anew with their comments, for ``ytt fmt``: block style, lists indented under their key.

An item of the outermost map that has comments above it stands apart from its neighbours by a blank line.
"""

from __future__ import annotations

from lapstrake.yamldoc.nodes import Array, Map
from lapstrake.yamldoc.printer import NO_FOLDING, print_value, scalar_text, string_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.yamldoc.nodes import Comment, DocumentSet


def formatted(docset: DocumentSet) -> str:
    """The text of all documents, empty ones included, with every comment."""
    lines: list[str] = []
    for document in docset.items:
        above, beside = _comments(document)
        lines += above
        if not document.implicit:
            lines.append("---" + beside)
        _value(lines, document.value, 0, is_root=True)
    lines += [f"#{comment.text}" for comment in docset.comments or ()]
    return "".join(f"{line}\n" for line in lines)


def _comments(node: Any, margin: str = "") -> tuple[list[str], str]:
    """The lines of the comments above an item, and what stands behind it on its own line."""
    above: list[str] = []
    beside: list[str] = []
    comments: list[Comment] = node.comments or []
    for comment in comments:
        if comment.position.line < node.position.line:
            above.append(f"{margin}#{comment.text}")
        else:
            beside.append(f" #{comment.text}")
    return above, "".join(beside)


def _value(lines: list[str], value: Any, indent: int, *, is_root: bool = False) -> None:
    """The lines of a value that begins on a line of its own."""
    if value.__class__ is Map and value.items:
        _map(lines, value, indent, is_root=is_root)
    elif value.__class__ is Array and value.items:
        _array(lines, value, indent)
    elif value is not None:
        lines.append(" " * indent + _leaf(value, indent))


def _map(lines: list[str], node: Map, indent: int, *, is_root: bool) -> None:
    margin = " " * indent
    apart = False
    for number, item in enumerate(node.items):
        above, beside = _comments(item, margin)
        if is_root and number and (above or apart):
            lines.append("")
        apart = bool(above)
        lines += above
        key = print_value(item.key).rstrip("\n") if item.key.__class__ is not Array else "?"
        _with_value(lines, f"{margin}{key}:", beside, item.value, indent)


def _array(lines: list[str], node: Array, indent: int) -> None:
    margin = " " * indent
    for item in node.items:
        above, beside = _comments(item, margin)
        lines += above
        value = item.value
        if (value.__class__ is Map or value.__class__ is Array) and value.items and not beside:
            first = len(lines)
            _value(lines, value, indent + 2)
            _put_dash(lines, first, margin)
        else:
            _with_value(lines, f"{margin}-", beside, value, indent)


def _put_dash(lines: list[str], first: int, margin: str) -> None:
    """Put the dash of an item before its first line; comments above that line need the dash on its own."""
    if lines[first].lstrip().startswith("#"):
        lines.insert(first, f"{margin}-")
    else:
        lines[first] = f"{margin}- {lines[first][len(margin) + 2 :]}"


def _with_value(lines: list[str], lead: str, beside: str, value: Any, indent: int) -> None:
    """``lead`` and the value behind or below it."""
    if value is None:
        lines.append(lead + beside)
    elif (value.__class__ is Map or value.__class__ is Array) and value.items:
        lines.append(lead + beside)
        _value(lines, value, indent + 2)
    else:
        first, newline, rest = _leaf(value, indent).partition("\n")
        lines.append(f"{lead} {first}{beside}{newline}{rest}")


def _leaf(value: Any, indent: int) -> str:
    if value.__class__ is str:
        return string_text(value, indent + 2, 0, NO_FOLDING)
    if value.__class__ is Map or value.__class__ is Array:
        return "{}" if value.__class__ is Map else "[]"
    return scalar_text(value)
