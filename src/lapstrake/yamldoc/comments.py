"""Which node a comment belongs to.

A comment on a line on which items begin belongs to the last (innermost) of them; a comment on a line of
its own belongs to the first (outermost) item that begins below it. What follows the last item is left over.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from lapstrake.position import Position
from lapstrake.yamldoc.nodes import Comment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapstrake.yamldoc.nodes import Item

_COMMENT = re.compile("(?:^|(?<=[ \t]))#[^\n\r]*", re.MULTILINE)


class Attachment:
    """Collects where items begin and where scalars hold a ``#``, then hands out the comments of a text."""

    __slots__ = ("_first", "_last", "_source", "_spans", "_text")

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._first: dict[int, Item] = {}
        self._last: dict[int, Item] = {}
        self._spans: list[tuple[int, int]] = []

    def begin(self, item: Item) -> None:
        """Note that ``item`` begins; to be called in the order of the text."""
        line = item.position.line
        self._last[line] = item
        if line not in self._first:
            self._first[line] = item

    def scalar(self, start: int, end: int, is_block: bool) -> None:
        """Note that a scalar with a ``#`` in it covers these characters; the header line of a block may hold a comment."""
        if is_block:
            newline = self._text.find("\n", start, end)
            start = newline if newline >= 0 else end
        self._spans.append((start, end))

    def attach(self, lines: Sequence[str]) -> list[Comment] | None:
        """Give every comment to its item; answers those after the last one, or None."""
        starts = [start for start, _ in self._spans]
        begins = sorted(self._first)
        rest: list[Comment] = []
        line, counted = 0, 0
        for match in _COMMENT.finditer(self._text):
            start = match.start()
            span = bisect_right(starts, start) - 1
            if span >= 0 and start < self._spans[span][1]:
                continue
            line, counted = _line_at(self._text, lines, start, line, counted)
            text = lines[line]
            column = start - counted
            number = line + 1
            comment = Comment(match.group()[1:], Position(self._source, number, column + 1, text))
            item = self._last.get(number)
            if item is None:
                place = bisect_right(begins, number)
                if place == len(begins):
                    rest.append(comment)
                    continue
                item = self._first[begins[place]]
            if item.comments is None:
                item.comments = [comment]
            else:
                item.comments.append(comment)
        return rest or None


def _line_at(text: str, lines: Sequence[str], offset: int, line: int, start: int) -> tuple[int, int]:
    """The line that holds ``offset`` and where that line begins, searched forward from a line known."""
    while True:
        end = start + len(lines[line])
        if offset <= end or line + 1 == len(lines):
            return line, start
        start = end + (2 if text.startswith("\r\n", end) else 1)
        line += 1
