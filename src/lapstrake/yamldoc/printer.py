"""Document tree to text, in the block style of Go's yaml.v2.

ytt prints without folding; the other tools fold plain and quoted text at the first blank beyond 80 columns
(``width``). Style of a string: literal if it has several lines, plain if it reads back as itself, else
double quotes for what would read as another type and single quotes for what would read as syntax.
"""

from __future__ import annotations

import re

from lapstrake.yamldoc.nodes import Array, ArrayItem, Map, MapItem
from lapstrake.yamldoc.scalars import float_text, needs_quotes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.yamldoc.nodes import DocumentSet

NO_FOLDING = 1 << 30
_LONGEST_SIMPLE_KEY = 128

_PLAIN_SAFE = re.compile(
    r"(?!\.\.\.)[A-Za-z0-9_/.$(+][A-Za-z0-9_/.$+()=;-]*(?: [A-Za-z0-9_/.$+()=;-]+)*\Z"
).match
_ASCII_SPECIAL = re.compile("[\0-\t\x0b-\x1f\x7f]").search
_BREAKS = frozenset("\n\r\x85\u2028\u2029")
_INDICATORS_FIRST = frozenset("#,[]{}&*!|>'\"%@`")
_BLANKS = frozenset(" \t\n\r\x85\u2028\u2029")
_ESCAPES = {
    "\0": "\\0",
    "\a": "\\a",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\v": "\\v",
    "\f": "\\f",
    "\r": "\\r",
    "\x1b": "\\e",
    '"': '\\"',
    "\\": "\\\\",
    "\x85": "\\N",
    "\u2028": "\\L",
    "\u2029": "\\P",
}


SEPARATOR = "---\n"
"""What stands between two documents."""


def print_documents(docset: DocumentSet) -> str:
    """All documents, separated by ``---``, as ytt prints them; null and empty documents are left out."""
    printer = _Printer(NO_FOLDING)
    out = printer.out
    for document in docset.items:
        if is_empty(document.value):
            continue
        if out:
            out.append(SEPARATOR)
        printer.root(document.value)
    return "".join(out)


def is_empty(value: Any) -> bool:
    """Whether a document of this value is not printed: null, an empty map, an empty array."""
    if value is None:
        return True
    return (value.__class__ is Map or value.__class__ is Array) and not value.items


def print_value(value: Any, *, width: int = NO_FOLDING) -> str:
    """One value (node, or native scalar) as a document, with a final newline."""
    printer = _Printer(width)
    printer.root(value)
    return "".join(printer.out)


class _Printer:
    __slots__ = ("keys", "out", "texts", "width")

    def __init__(self, width: int) -> None:
        self.out: list[str] = []
        self.width = width
        # both repeat a lot: keys, and strings whose text is the same wherever they stand
        self.keys: dict[str, str | None] = {}
        self.texts: dict[str, str] = {}

    def root(self, value: Any) -> None:
        if value.__class__ is Map and value.items:
            self._map(value, 0, "")
        elif value.__class__ is Array and value.items:
            self._array(value, 0, "")
        else:
            self.out.append(self._leaf(value, 0, 0) + "\n")

    def _map(self, node: Map, indent: int, lead: str) -> None:
        """Print the items; ``lead`` is what stands before the first one on its line (or the blanks that do)."""
        margin = " " * indent
        write = self.out.append
        keys, texts = self.keys, self.texts
        for item in node.items:
            key = item.key
            key = keys[key] if key.__class__ is str and key in keys else self._key(key)
            if key is None:
                self._long_key(item, indent, lead)
                lead = margin
                continue
            value = item.value
            kind = value.__class__
            if kind is str:
                text = texts.get(value) or self._string(value, indent + 2, indent + len(key) + 2)
                write(f"{lead}{key}: {text}\n")
            elif kind is Map and value.items:
                write(f"{lead}{key}:\n")
                self._map(value, indent + 2, margin + "  ")
            elif kind is Array and value.items:
                write(f"{lead}{key}:\n")
                self._array(value, indent, margin)
            elif kind is int:
                write(f"{lead}{key}: {value}\n")
            else:
                write(f"{lead}{key}: {self._leaf(value, indent, 0)}\n")
            lead = margin

    def _array(self, node: Array, indent: int, lead: str) -> None:
        margin = " " * indent
        for item in node.items:
            self._nested(item.value, indent, lead + "- ")
            lead = margin

    def _nested(self, value: Any, indent: int, lead: str) -> None:
        """A value that follows ``lead`` (a dash, ``?`` or ``:`` with its blank) on the same line."""
        kind = value.__class__
        if kind is Map and value.items:
            self._map(value, indent + 2, lead)
        elif kind is Array and value.items:
            self._array(value, indent + 2, lead)
        else:
            self.out.append(f"{lead}{self._leaf(value, indent, indent + 2)}\n")

    def _key(self, key: Any) -> str | None:
        """The text of a simple key, or None if it needs the ``?`` form."""
        if key.__class__ is str:
            text = None
            if "\n" not in key and len(key.encode("utf-8", "surrogateescape")) <= _LONGEST_SIMPLE_KEY:
                text = string_text(key, 0, 0, NO_FOLDING)
            self.keys[key] = text
            return text
        if key.__class__ is Map or key.__class__ is Array:
            return None
        return scalar_text(key)

    def _long_key(self, item: MapItem, indent: int, lead: str) -> None:
        self._nested(_shown_key(item.key), indent, lead + "? ")
        self._nested(item.value, indent, " " * indent + ": ")

    def _leaf(self, value: Any, indent: int, column: int) -> str:
        if value.__class__ is str:
            return self.texts.get(value) or self._string(value, indent + 2, column)
        if value.__class__ is Map:
            return "{}"
        if value.__class__ is Array:
            return "[]"
        return scalar_text(value)

    def _string(self, value: str, indent: int, column: int) -> str:
        """The text of a string, kept for the next time if its place has no part in it."""
        text = string_text(value, indent, column, self.width)
        if self.width == NO_FOLDING and ((text.isascii() and "\n" not in text) or _BREAKS.isdisjoint(text)):
            self.texts[value] = text
        return text


def _shown_key(key: Any) -> Any:
    """ytt shows a list that is a key by its internals: value and line of each item."""
    if key.__class__ is not Array:
        return key
    items = [
        ArrayItem(Map([MapItem("value", item.value), MapItem("line", item.position.line)]))
        for item in key.items
    ]
    return Array(items)


def scalar_text(value: Any) -> str:
    """A scalar other than a string."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value.__class__ is int:
        return str(value)
    if value.__class__ is float:
        return float_text(value)
    if value.__class__ is bytes:
        import binascii

        return "!!binary " + (binascii.b2a_base64(value, newline=False).decode() or '""')
    raise TypeError(f"no YAML for {value.__class__.__name__}")


def string_text(text: str, indent: int, column: int, width: int) -> str:
    """A string as it stands in the output, without the newline that ends it.

    ``indent`` is the one of its continuation lines, ``column`` where it begins. A string that holds bytes
    that are no UTF-8 (as lone surrogates) becomes binary.
    """
    if _PLAIN_SAFE(text) and not needs_quotes(text):
        return _folded_plain(text, indent, column, width) if column + len(text) > width else text
    try:
        text.encode()
    except UnicodeEncodeError:
        return scalar_text(text.encode("utf-8", "surrogateescape"))
    shape = _Shape(text)
    if "\n" in text:
        if shape.block_allowed:
            return _literal(text, indent)
    elif not needs_quotes(text):
        if shape.plain_allowed:
            return _folded_plain(text, indent, column, width)
        if shape.single_quoted_allowed:
            return _single_quoted(text, indent, column, width)
    return _double_quoted(text, indent, column, width)


class _Shape:
    """Which styles the emitter of yaml.v2 allows for a string."""

    __slots__ = ("block_allowed", "plain_allowed", "single_quoted_allowed")

    def __init__(self, text: str) -> None:
        self.plain_allowed = self.single_quoted_allowed = self.block_allowed = True
        if not text:
            self.block_allowed = False
            return
        break_then_blank, blank_then_break, has_breaks = _meetings(text)
        if _is_special(text) or blank_then_break:
            self.plain_allowed = self.single_quoted_allowed = self.block_allowed = False
        if break_then_blank:
            self.plain_allowed = self.single_quoted_allowed = False
        if text[-1] == " ":
            self.block_allowed = False
        first, last = text[0], text[-1]
        if has_breaks or first == " " or last == " " or _reads_as_syntax(text):
            self.plain_allowed = False


def _is_special(text: str) -> bool:
    """Whether there is a character that the emitter does not take for printable: tab and U+10000 upwards too."""
    if text.isascii():
        return _ASCII_SPECIAL(text) is not None
    for char in text:
        if char > "~":
            if not ("\xa0" <= char <= "\ud7ff" or "\ue000" <= char <= "\ufffd") or char == "\ufeff":
                return True
        elif char < " " and char != "\n":
            return True
    return False


def _meetings(text: str) -> tuple[bool, bool, bool]:
    """Whether a blank follows a line break, a line break follows a blank, and whether there is a line break."""
    if _BREAKS.isdisjoint(text):
        return False, False, False
    break_then_blank = blank_then_break = False
    previous = ""
    for char in text:
        if char == " ":
            break_then_blank = break_then_blank or previous in _BREAKS
        elif char in _BREAKS:
            blank_then_break = blank_then_break or previous == " "
        previous = char
    return break_then_blank, blank_then_break, True


def _reads_as_syntax(text: str) -> bool:
    if text.startswith(("---", "...")):
        return True
    first = text[0]
    if first in _INDICATORS_FIRST:
        return True
    if first in "?:-" and (len(text) == 1 or text[1] in _BLANKS):
        return True
    at = text.find(":", 1)
    while at > 0:
        if at + 1 == len(text) or text[at + 1] in _BLANKS:
            return True
        at = text.find(":", at + 1)
    at = text.find("#", 1)
    while at > 0:
        if text[at - 1] in _BLANKS:
            return True
        at = text.find("#", at + 1)
    return False


def _literal(text: str, indent: int) -> str:
    hint = "2" if text[0] == " " or text[0] in _BREAKS else ""
    if text[-1] not in _BREAKS:
        chomp = "-"
    else:
        chomp = "+" if len(text) == 1 or text[-2] in _BREAKS else ""
    margin = " " * indent
    body = re.sub("([\n\u2028\u2029]+)(?=[^\n\u2028\u2029])", lambda match: match.group() + margin, text)
    if text[0] not in _BREAKS:
        body = margin + body
    return f"|{hint}{chomp}\n{body.removesuffix(chr(10))}"


def _folded_plain(text: str, indent: int, column: int, width: int) -> str:
    if column + len(text) <= width:
        return text
    return _folded(text, indent, column, width, inner_only=False)


def _single_quoted(text: str, indent: int, column: int, width: int) -> str:
    quoted = text.replace("'", "''")
    if not _BREAKS.isdisjoint(quoted):
        margin = " " * indent
        quoted = re.sub("([\u2028\u2029]+)(?=.)", lambda match: match.group() + margin, quoted)
    elif column + len(quoted) > width:
        quoted = _folded(quoted, indent, column + 1, width, inner_only=True)
    return f"'{quoted}'"


def _folded(text: str, indent: int, column: int, width: int, *, inner_only: bool) -> str:
    """Replace single blanks beyond the width by line breaks; ``inner_only`` keeps the first and the last character."""
    newline = "\n" + " " * indent
    out: list[str] = []
    last = len(text) - 1
    done = 0
    at = text.find(" ")
    while at >= 0:
        alone = text[at - 1 : at] != " " and text[at + 1 : at + 2] != " "
        if column + at - done > width and alone and (not inner_only or 0 < at < last):
            out.append(text[done:at])
            out.append(newline)
            done, column = at + 1, indent
        at = text.find(" ", at + 1)
    out.append(text[done:])
    return "".join(out)


def _double_quoted(text: str, indent: int, column: int, width: int) -> str:
    # yaml.v2 looks for the byte order mark at the beginning again for each character
    escape_all = text.startswith("\ufeff")
    out: list[str] = []
    column += 1
    last = len(text) - 1
    after_blank = False
    for at, char in enumerate(text):
        if escape_all or char in '"\\' or char in _BREAKS or _is_special(char):
            piece = _escaped(char)
        elif char == " " and column > width and not after_blank and 0 < at < last:
            piece = "\n" + " " * indent + ("\\" if text[at + 1] == " " else "")
            column = indent - len(piece)
        else:
            piece = char
        after_blank = char == " "
        column += len(piece)
        out.append(piece)
    return '"' + "".join(out) + '"'


def _escaped(char: str) -> str:
    known = _ESCAPES.get(char)
    if known is not None:
        return known
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
