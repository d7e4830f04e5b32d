"""Tokens of a Starlark program.

Blocks are closed by ``end``, so indentation means nothing and no indent tokens exist; line ends inside
brackets vanish, as does a line end after a backslash.
"""

from __future__ import annotations

import re

from lapstrake.starlark.errors import Fault, StaticError
from lapstrake.starlark.syntax import Hook, Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# fmt: off
KEYWORDS = frozenset((
    "and", "break", "continue", "def", "elif", "else", "end", "for", "if", "in", "lambda", "load", "not", "or",
    "return", "while", "pass",
))
RESERVED = frozenset((
    "as", "class", "del", "except", "finally", "from", "global", "import", "is", "nonlocal", "raise", "try", "with",
    "yield",
))
# fmt: on

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+)
    |(?P<comment>\#.*)
    |(?P<number>0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)
    |(?P<string>[rR]?(?:\"\"\"|'''|"|'))
    |(?P<word>[^\W\d]\w*)
    |(?P<punct>//=|<<=|>>=|\*\*|//|<<|>>|<=|>=|==|!=|\+=|-=|\*=|/=|%=|&=|\|=|\^=|[-+*/%&|^~<>=()\[\]{},.:;])""",
    re.VERBOSE,
)
_OLD_OCTAL = re.compile(r"0+[0-9]+")
_ESCAPE = re.compile(r"\\(\n|[0-7]{1,3}|x[0-9a-fA-F]{2}|x|.)", re.DOTALL)
_SIMPLE_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "\n": "",
}


class Token:
    """``kind``: a keyword or punctuation itself, or identifier, int, float, string, hook,
    newline, EOF, illegal, or statement (a line that only calls a hook)."""

    __slots__ = ("kind", "line", "value")

    def __init__(self, kind: str, line: int, value: object = None) -> None:
        self.kind = kind
        self.line = line
        self.value = value


class Scanner:
    """Turns lines into tokens; raises StaticError at the first character that can begin nothing."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.tokens: list[Token] = []
        self.depth = 0

    def scan(self) -> list[Token]:
        row = 0
        while row < len(self.lines):
            row = self._line(row)
        last = max(len(self.lines) - 1, 0)
        self._newline(last)
        self.tokens.append(Token("EOF", last))
        return self.tokens

    def _newline(self, row: int) -> None:
        """End a line; the token itself stands where the next line begins, and errors about it show that line."""
        if self.depth == 0 and self.tokens and self.tokens[-1].kind != "newline":
            self.tokens.append(Token("newline", min(row + 1, len(self.lines) - 1)))

    def _line(self, row: int) -> int:
        """Scan one line, or several if a string or a backslash goes on; gives the next line's number."""
        parts = self.lines[row].parts
        if len(parts) == 2 and parts[1] == "()" and self._at_statement():
            # The bulk of a template: a hook called without arguments is one token.
            self.tokens.append(Token("statement", row, parts[0]))
            self._newline(row)
            return row + 1
        for part in parts:
            if isinstance(part, Hook):
                self.tokens.append(Token("hook", row, part))
                continue
            end = self._code(part, row)
            if end is None:
                break
            if end > row:
                return end
        self._newline(row)
        return row + 1

    def _at_statement(self) -> bool:
        return self.depth == 0 and (not self.tokens or self.tokens[-1].kind == "newline")

    def _code(self, text: str, row: int) -> int | None:
        """Scan code text. Gives None if a comment ended it, the line to go on with, or ``row`` if all is read."""
        at = 0
        while at < len(text):
            if text[at] == "\\" and text[at + 1 :].strip() == "":
                return row + 1
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._fault(f"unexpected input character {_quoted(text[at])}", row)
            kind = found.lastgroup
            if kind == "comment":
                return None
            if kind == "string":
                text, at, row_after = self._string(text, found, row)
                if row_after != row:
                    self._tail(text, at, row_after)
                    return row_after + 1
                continue
            at = found.end()
            if kind == "number":
                at = self._number(text, found, row)
            elif kind == "word":
                self._word(found.group(), row)
            elif kind == "punct":
                self._punct(found.group(), row)
        return row

    def _tail(self, text: str, at: int, row: int) -> None:
        """What follows a string of several lines on its last one."""
        self._code(text[at:], row)
        self._newline(row)

    def _word(self, word: str, row: int) -> None:
        if word in KEYWORDS:
            self.tokens.append(Token(word, row))
        elif word in RESERVED:
            self.tokens.append(Token("illegal", row, word))
        else:
            self.tokens.append(Token("identifier", row, word))

    def _punct(self, mark: str, row: int) -> None:
        if mark in "([{":
            self.depth += 1
        elif mark in ")]}" and self.depth:
            self.depth -= 1
        self.tokens.append(Token(mark, row))

    def _number(self, text: str, found: re.Match[str], row: int) -> int:
        word = found.group()
        end = found.end()
        lowered = word.lower()
        if lowered[:2] in ("0x", "0o", "0b"):
            self.tokens.append(Token("int", row, int(lowered, 0)))
        elif "." in word or "e" in lowered:
            self.tokens.append(Token("float", row, float(word)))
        elif _OLD_OCTAL.fullmatch(word) and int(word, 10) != 0:
            raise self._fault(f"obsolete form of octal literal; use 0o{word[1:]}", row)
        else:
            self.tokens.append(Token("int", row, int(word)))
        return end

    def _string(self, text: str, found: re.Match[str], row: int) -> tuple[str, int, int]:
        """Scan a string literal; gives the text, column and line it ends in."""
        prefix = found.group()
        raw = prefix[0] in "rR"
        quote = prefix[1:] if raw else prefix
        at = found.end()
        end = text.find(quote, at)
        if end >= 0 and text.find("\\", at, end) < 0:
            self.tokens.append(Token("string", row, text[at:end]))
            return text, end + len(quote), row
        start_row = row
        value: list[str] = []
        while True:
            if text.startswith(quote, at):
                break
            if at >= len(text):
                row += 1
                if len(quote) == 1 and not (value and value[-1] == "\\\n"):
                    raise self._fault("unexpected newline in string", start_row)
                following = self.lines[row].parts[0] if row < len(self.lines) else None
                if not isinstance(following, str):
                    raise self._fault("unexpected EOF in string", start_row)
                if not value or value[-1] != "\\\n":
                    value.append("\n")
                text, at = following, 0
                continue
            if text[at] == "\\":
                if at + 1 < len(text):
                    value.append(text[at : at + 2])
                else:
                    value.append("\\\n")
                at += 2
                continue
            value.append(text[at])
            at += 1
        content = "".join(value)
        self.tokens.append(Token("string", start_row, content if raw else unescaped(content)))
        return text, at + len(quote), row

    def _fault(self, message: str, row: int) -> StaticError:
        return StaticError([Fault(message, [self.lines[row]])])


def unescaped(text: str) -> str:
    """The string a literal's inside stands for; unknown escapes keep their backslash."""
    if "\\" not in text:
        return text
    escaped_bytes = False

    def replace(found: re.Match[str]) -> str:
        nonlocal escaped_bytes
        name = found.group(1)
        simple = _SIMPLE_ESCAPES.get(name)
        if simple is not None:
            return simple
        if name[0] in "01234567":
            code = int(name, 8) & 0xFF
        elif name[0] == "x" and len(name) == 3:
            code = int(name[1:], 16)
        else:
            return found.group()
        if code < 0x80:
            return chr(code)
        escaped_bytes = True
        return chr(0xDC00 + code)

    value = _ESCAPE.sub(replace, text)
    if escaped_bytes:
        value = value.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    return value


def _quoted(char: str) -> str:
    return f"'{char}'" if char.isprintable() else repr(char)
