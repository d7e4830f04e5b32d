"""Where something stands in its source: born in the scanners, carried by every node, value and error."""

from __future__ import annotations


class Position:
    """A place in a source text.

    ``source`` is the name the user knows the text by (a relative path, ``stdin``, ...), ``line`` and
    ``column`` count from 1 (0: unknown), ``text`` is the whole source line without its line end.
    """

    __slots__ = ("column", "line", "source", "text")

    def __init__(self, source: str = "", line: int = 0, column: int = 0, text: str = "") -> None:
        self.source = source
        self.line = line
        self.column = column
        self.text = text

    def __repr__(self) -> str:
        return f"Position({self.source!r}, {self.line}, {self.column}, {self.text!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Position):
            return NotImplemented
        return (self.source, self.line, self.column) == (other.source, other.line, other.column)

    def __hash__(self) -> int:
        return hash((self.source, self.line, self.column))

    def __str__(self) -> str:
        """``file:line``, or ``?`` where the line is unknown (as ytt prints positions)."""
        if self.line == 0:
            return "?" if not self.source else f"{self.source}:?"
        return f"{self.source}:{self.line}" if self.source else f"line {self.line}"


UNKNOWN = Position()
