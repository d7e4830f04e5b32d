"""Text to document tree: PyYAML's event parser, with our own composer.

The meaning of scalars, anchors and merge keys is that of Go's yaml.v2 as ytt uses it. The composer keeps
an explicit stack, so that depth costs nothing but memory, and bounds both depth and expanded aliases.
"""

from __future__ import annotations

import re
from itertools import takewhile

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.scanner import ScannerError

from lapstrake.errors import InputError
from lapstrake.position import Position
from lapstrake.yamldoc.comments import Attachment
from lapstrake.yamldoc.nodes import Array, ArrayItem, Document, DocumentSet, Map, MapItem
from lapstrake.yamldoc.scalars import check_strict, resolve, resolve_tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

MAX_DEPTH = 200
"""How deep collections may nest: four times what the largest custom resource definitions need, and little
enough for the recursive parts (printing, overlays) to stay within the interpreter's stack."""

MAX_ALIASED_NODES = 1_000_000
"""How many nodes may come into being by repeating anchors: far above honest use, far below a bomb."""

_ODD_BREAKS = re.compile("[\r\x85\u2028\u2029]").search
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_OTHER_VERSION = re.compile(r"%YAML[ \t]+(?!1\.1\s)[0-9]+\.[0-9]").match

_MERGE: Any = object()
_MERGE_TAG = "tag:yaml.org,2002:merge"
_COLLECTION_KEY: Any = object()


def parse(
    text: str | bytes,
    source: str,
    *,
    strict: bool = False,
    comments: bool = True,
    merge_lists: bool = False,
    slash_escapes: bool = True,
    only_first: bool = False,
) -> DocumentSet:
    """The documents of ``text``; ``source`` is the name for positions.

    ``strict`` refuses plain scalars of doubtful type. Without ``comments`` they are skipped, which is quicker.
    ``merge_lists`` allows ``<<: [*a, *b]``, which ytt does not. Without ``slash_escapes`` a slash in quotes
    has no backslash, as in yaml.v2. ``only_first`` looks at nothing behind the first document.
    Raises InputError with a message that begins with ``yaml: ``.
    """
    text = _decoded(text)
    if not slash_escapes and "\\/" in text:
        _refuse_slash_escapes(text)
    return _Composer(text, source, strict, comments, merge_lists).compose(only_first=only_first)


def _refuse_slash_escapes(text: str) -> None:
    """JSON has this escape and YAML since 1.2, but yaml.v2 does not know it. Raises InputError."""
    events: Iterator[Any] = iter(CParser(text).get_event, None)
    try:
        for event in events:
            if event.__class__ is not ScalarEvent or event.style != '"':
                continue
            begin: Any = event.start_mark
            end: Any = event.end_mark
            for escape in _ESCAPE.finditer(text, begin.index, end.index):
                if escape[1] == "/":
                    line = begin.line + len(_LINE_BREAK.findall(text, begin.index, escape.start())) + 1
                    raise InputError(f"yaml: line {line}: found unknown escape character")
    except (YAMLError, UnicodeEncodeError):
        return  # what else is wrong is told in its place


def _decoded(text: str | bytes) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        reasons = {"unexpected end of data": "incomplete UTF-8 octet sequence"}
        kind = "trailing" if error.reason == "invalid continuation byte" else "leading"
        raise InputError("yaml: " + reasons.get(error.reason, f"invalid {kind} UTF-8 octet")) from None


class _MeaninglessError(InputError):
    """What is written is YAML, but stands for nothing."""


class _Composer:
    __slots__ = (
        "aliased",
        "anchors",
        "attachment",
        "docset",
        "lines",
        "marked",
        "merge_lists",
        "open_nodes",
        "resolved",
        "source",
        "strict",
        "text",
    )

    def __init__(self, text: str, source: str, strict: bool, comments: bool, merge_lists: bool) -> None:
        self.marked = text.startswith("\ufeff")
        self.text = text[1:] if self.marked else text
        self.source = source
        self.strict = strict
        self.merge_lists = merge_lists
        self.lines = _LINE_BREAK.split(self.text) if _ODD_BREAKS(text) else self.text.split("\n")
        self.attachment = Attachment(self.text, source) if comments and "#" in text else None
        self.anchors: dict[str, Any] = {}
        self.aliased = 0
        self.open_nodes: set[int] = set()
        self.resolved: dict[str, Any] = {}
        self.docset = DocumentSet(position=Position(source, 1, 1, self.lines[0]))

    def compose(self, *, only_first: bool = False) -> DocumentSet:
        events: Iterator[Any] = iter(CParser(self.text).get_event, None)
        if only_first:
            events = takewhile(lambda event: event.__class__ is not DocumentEndEvent, events)
        try:
            try:
                self._compose_events(events)
            except _MeaninglessError:
                # What is no YAML, further down in the document, is told before what YAML has no meaning for.
                for event in events:
                    if event.__class__ is DocumentEndEvent:
                        break
                raise
        except YAMLError as error:
            problem = self._problem(error)
            if _OTHER_VERSION(self.text):
                problem = "yaml: found incompatible YAML document"
            raise InputError(problem, position=self._place(error)) from None
        except UnicodeEncodeError:
            raise InputError("yaml: control characters are not allowed") from None
        if self.attachment is not None:
            self.docset.comments = self.attachment.attach(self.lines)
        if self.marked:
            self._restore_mark()
        return self.docset

    def _restore_mark(self) -> None:
        """ytt takes a byte order mark for a character of the first scalar, not for a mark."""
        node: Any = self.docset.items[0] if self.docset.items else None
        node = node.value if node is not None else None
        if node.__class__ is Map and node.items:
            node.items[0].key = f"\ufeff{node.items[0].key}"

    def _compose_events(self, events: Any) -> None:
        """Build the tree. ``node`` is the innermost open collection or document, ``item`` its item that lacks a value."""
        stack: list[tuple[Any, Any]] = []
        node: Any = self.docset
        item: Any = None
        begin = self.attachment.begin if self.attachment is not None else None
        source, lines, resolved = self.source, self.lines, self.resolved
        for event in events:
            kind = event.__class__
            if kind is ScalarEvent:
                text = event.value
                if event.tag is not None or event.anchor is not None or (begin is not None and "#" in text):
                    value = self._scalar(event)
                elif not event.implicit[0]:
                    value = text
                elif text in resolved:
                    value = resolved[text]
                else:
                    value = self._plain(text)
                if node.__class__ is Map:
                    if item is None:
                        mark = event.start_mark
                        line = mark.line
                        position = Position(source, line + 1, mark.column + 1, lines[line])
                        if text == "<<" and (event.implicit[0] or event.tag == _MERGE_TAG):
                            item = MapItem(_MERGE, None, position)
                            continue
                        item = MapItem(value, None, position)
                        node.items.append(item)
                        if begin is not None:
                            begin(item)
                        continue
                    item.value = value
                    if item.key is _MERGE:
                        self._merge(node, value)
                    item = None
                    continue
            elif kind is AliasEvent:
                value = self._alias(event)
            elif kind is MappingStartEvent:
                value = Map(None, self._position(event.start_mark))
            elif kind is SequenceStartEvent:
                value = Array(None, self._position(event.start_mark))
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self.open_nodes.discard(id(node))
                value = node
                node, item = stack.pop()
                if item is _COLLECTION_KEY:
                    item = self._map_item(node, value, value.position)
                elif item is not None:
                    if item.key is _MERGE:
                        self._merge(node, value)
                    item = None
                continue
            elif kind is DocumentStartEvent:
                node = self._document(event)
                continue
            else:
                continue
            # a value: hang it in where it belongs
            if node.__class__ is Map:
                if item is None:
                    item = _COLLECTION_KEY
                else:
                    item.value = value
            elif node.__class__ is Array:
                entry = ArrayItem(value, self._dash(node, event.start_mark))
                node.items.append(entry)
                if begin is not None:
                    begin(entry)
            else:
                node.value = value
            if kind is ScalarEvent:
                continue
            if kind is AliasEvent:
                if item is _COLLECTION_KEY:
                    item = self._map_item(node, value, self._position(event.start_mark))
                    continue
                if begin is not None:
                    self._begin_all(value)
                if item is not None and item.key is _MERGE:
                    self._merge(node, value)
                item = None
                continue
            if event.anchor is not None:
                self.anchors[event.anchor] = value
            if len(stack) >= MAX_DEPTH:
                raise InputError(f"yaml: exceeded max depth of {MAX_DEPTH}")
            self.open_nodes.add(id(value))
            stack.append((node, item))
            node, item = value, None

    def _document(self, event: Any) -> Document:
        # a first document without ``---`` begins where the text does, whatever comments come before its content
        starts_text = not event.explicit and not self.docset.items
        position = self.docset.position if starts_text else self._position(event.start_mark)
        document = Document(None, position, None, not event.explicit)
        self.docset.items.append(document)
        self.anchors = {}
        if self.attachment is not None and event.explicit:
            self.attachment.begin(document)
        return document

    def _map_item(self, node: Map, key: Any, position: Position) -> MapItem:
        item = MapItem(key, None, position)
        node.items.append(item)
        if self.attachment is not None:
            self.attachment.begin(item)
        return item

    def _scalar(self, event: Any) -> Any:
        text = event.value
        tag = event.tag
        if tag is not None and tag != "!":
            try:
                value = resolve_tagged(tag, text)
            except InputError as error:
                raise _MeaninglessError(str(error)) from None
        elif event.implicit[0] and tag is None:
            value = self._plain(text)
        else:
            value = text
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        if self.attachment is not None and "#" in text:
            self.attachment.scalar(event.start_mark.index, event.end_mark.index, event.style in ("|", ">"))
        return value

    def _plain(self, text: str) -> Any:
        """The meaning of a plain scalar, kept for the next time."""
        try:
            return self.resolved[text]
        except KeyError:
            value = resolve(text)
            if self.strict:
                check_strict(text, value)
            self.resolved[text] = value
            return value

    def _alias(self, event: Any) -> Any:
        name = event.anchor
        try:
            value = self.anchors[name]
        except KeyError:
            raise InputError(f"yaml: unknown anchor '{name}' referenced") from None
        if id(value) in self.open_nodes:
            raise _MeaninglessError(f"yaml: anchor '{name}' value contains itself")
        if value.__class__ is Map or value.__class__ is Array:
            return self._copy(value)
        return value

    def _copy(self, node: Any) -> Any:
        self.aliased += len(node.items) + 1
        if self.aliased > MAX_ALIASED_NODES:
            raise InputError("yaml: document contains excessive aliasing")
        copy = node.__class__(None, node.position)
        for item in node.items:
            value = item.value
            if value.__class__ is Map or value.__class__ is Array:
                value = self._copy(value)
            if item.__class__ is MapItem:
                copy.items.append(MapItem(item.key, value, item.position))
            else:
                copy.items.append(ArrayItem(value, item.position))
        return copy

    def _begin_all(self, value: Any) -> None:
        """A comment goes to the last node of its line, and copies stand later than their original."""
        assert self.attachment is not None
        pending = [value]
        while pending:
            node = pending.pop()
            if node.__class__ is Map or node.__class__ is Array:
                pending.extend(reversed(node.items))
            elif node.__class__ is MapItem or node.__class__ is ArrayItem:
                self.attachment.begin(node)
                pending.append(node.value)

    def _merge(self, node: Map, value: Any) -> None:
        if self.merge_lists and value.__class__ is Array:
            for item in reversed(value.items):
                self._merge(node, item.value)
            return
        if value.__class__ is not Map:
            raise _MeaninglessError("yaml: map merge requires map or sequence of maps as the value")
        node.items.extend(value.items)

    def _position(self, mark: Any) -> Position:
        line = mark.line
        return Position(self.source, line + 1, mark.column + 1, self.lines[line])

    def _dash(self, node: Array, mark: Any) -> Position:
        """Where the dash stands that begins the item whose value begins at ``mark`` (flow items have none)."""
        line, column = mark.line, mark.column
        dash = node.position.column - 1
        lines = self.lines
        if lines[line][dash : dash + 1] == "-" and dash < column:
            return Position(self.source, line + 1, dash + 1, lines[line])
        first = node.position.line - 1
        if lines[first][dash : dash + 1] == "-":
            above = line - 1
            while above >= first:
                if lines[above][dash : dash + 1] == "-":
                    return Position(self.source, above + 1, dash + 1, lines[above])
                above -= 1
        return self._position(mark)

    def _place(self, error: Any) -> Position | None:
        mark = getattr(error, "problem_mark", None)
        if mark is None or mark.line >= len(self.lines):
            return None
        return Position(self.source, mark.line + 1, mark.column + 1, self.lines[mark.line])

    def _problem(self, error: Any) -> str:
        """The words of a parser's complaint. The line is one too low for errors of the grammar, as in yaml.v2."""
        mark = getattr(error, "problem_mark", None)
        if mark is None:
            return f"yaml: {getattr(error, 'reason', None) or error}"
        line = mark.line or (error.context_mark.line if error.context_mark is not None else 0)
        if isinstance(error, ScannerError):
            line += 1
        return f"yaml: line {line}: {error.problem}" if line > 0 else f"yaml: {error.problem}"
