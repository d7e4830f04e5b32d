"""Text templates: text with ``(@ code @)`` and ``(@= value @)`` in it, in files and in strings of YAML."""

from __future__ import annotations

from lapstrake.errors import InputError
from lapstrake.position import Position
from lapstrake.starlark.syntax import Hook, Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lapstrake.ytt.builder import Builder

_OPEN = "(@"
_CLOSE = "@)"


class Piece:
    """``code`` False: text to put out. Else code, with the line it begins on (counted from 1)."""

    __slots__ = ("code", "line", "text")

    def __init__(self, text: str, line: int, code: bool) -> None:
        self.text = text
        self.line = line
        self.code = code


def pieces_of(text: str) -> list[Piece]:
    """Take a text apart; a ``-`` inside a delimiter has already trimmed the text beside it.

    Raises InputError for delimiters that do not match.
    """
    pieces: list[Piece] = []
    at = 0
    line = 1
    trim = False
    while True:
        start = text.find(_OPEN, at)
        stray = text.find(_CLOSE, at, start if start >= 0 else len(text))
        if stray >= 0:
            raise InputError(f"Unexpected code closing '{_CLOSE}' at {_place(text, stray)}")
        plain = text[at:] if start < 0 else text[at:start]
        shown = plain.lstrip() if trim else plain
        if start < 0:
            pieces.append(Piece(shown, line, False))
            return pieces
        if text.startswith("-", start + 2):
            shown = shown.rstrip()
        pieces.append(Piece(shown, line, False))
        line += plain.count("\n")
        at, trim = _code(text, start, line, pieces)
        line += text.count("\n", start, at)


def _code(text: str, start: int, line: int, pieces: list[Piece]) -> tuple[int, bool]:
    """Add the code that begins at ``start``; gives where it ends, and whether the text after it is trimmed."""
    end = text.find(_CLOSE, start)
    if end < 0:
        raise InputError(f"Missing code closing '{_CLOSE}' at {_place(text, len(text))}")
    nested = text.find(_OPEN, start + 2, end)
    if nested >= 0:
        raise InputError(f"Unexpected code opening '{_OPEN}' at {_place(text, nested + 1)}")
    code = text[start + 2 : end].removeprefix("-")
    trim = code.endswith("-")
    pieces.append(Piece(code[:-1] if trim else code, line, True))
    return end + 2, trim


def _place(text: str, at: int) -> str:
    return f"line {text.count(chr(10), 0, at) + 1} col {at - text.rfind(chr(10), 0, at)}"


def lines_of(pieces: list[Piece], builder: Builder, source: str, first_line: int = 1) -> list[Line]:
    """The program that puts the pieces out, in a context of text that is already open."""
    lines: list[Line] = []
    for piece in pieces:
        if piece.code:
            _add_code(piece, builder, source, first_line, lines)
        elif piece.text:
            position = Position(source, first_line + piece.line - 1, 1, piece.text)
            lines.append(Line((_text_hook(builder, piece.text), "()"), position))
    return lines


def _add_code(piece: Piece, builder: Builder, source: str, first_line: int, lines: list[Line]) -> None:
    shown = piece.text.split("\n")
    is_value = piece.text.startswith("=")
    for number, text in enumerate(shown):
        position = Position(source, first_line + piece.line - 1 + number, 1, text)
        parts: list[str | Hook] = [text]
        if is_value:
            if number == 0:
                parts = [Hook(builder.append_value), "((" + text[1:]]
            if number == len(shown) - 1:
                parts.append("))")
        lines.append(Line(parts, position))


def _text_hook(builder: Builder, text: str) -> Hook:
    return Hook(lambda: builder.append(text))
