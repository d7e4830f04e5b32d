"""What the comments of a template say: code, a value, an annotation, or nothing."""

from __future__ import annotations

import re

from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapstrake.yamldoc.nodes import Comment

_ONE_NODE_BLOCK = re.compile(r"(\s*)(if|elif|else|for|while|def)/end\b")


class Directive:
    """``kind``: code, value or annotation. ``text``: the code; for an annotation its arguments.

    ``one_node``: a block that an ``end`` closes after the one node it stands before.
    """

    __slots__ = ("comment", "kind", "name", "one_node", "text")

    def __init__(
        self, kind: str, text: str, comment: Comment, name: str = "", one_node: bool = False
    ) -> None:
        self.kind = kind
        self.text = text
        self.comment = comment
        self.name = name
        self.one_node = one_node


def is_template_comment(comment: Comment) -> bool:
    return comment.text.startswith("@")


def directives_of(comments: Sequence[Comment], line: int, ignore_unknown: bool) -> list[Directive]:
    """The directives of a node's comments; code on the node's own ``line`` (0: it has none) is its value.

    Raises InputError for a comment that is neither for ytt nor marked as a comment.
    """
    found: list[Directive] = []
    for comment in comments:
        text = comment.text
        if text.startswith("!"):
            continue
        if not text.startswith("@"):
            if ignore_unknown:
                continue
            raise InputError(
                f"Failed to parse line {comment.position.line}: '#{text}': Expected ytt-formatted string "
                "(use '#@' for annotations or code, '#!' for comments)"
            )
        code = text[1:]
        if code and not code[0].isspace():
            name, _, arguments = _partition_blank(code)
            found.append(Directive("annotation", arguments, comment, name))
        elif line and comment.position.line == line:
            found.append(Directive("value", code, comment))
        else:
            block = _ONE_NODE_BLOCK.match(code)
            if block is not None:
                code = f"{block.group(1)}{block.group(2)}{code[block.end() :]}"
            found.append(Directive("code", code, comment, one_node=block is not None))
    return found


def _partition_blank(text: str) -> tuple[str, str, str]:
    for at, char in enumerate(text):
        if char.isspace():
            return text[:at], char, text[at + 1 :]
    return text, "", ""
