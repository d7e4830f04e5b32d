"""YAML templates: from a tree with ``#@`` comments to a program that builds the documents.

Each node becomes a call of a hook, each code comment a line of the program in front of the node that it
stands before. Subtrees without anything to compute become one call.
"""

from __future__ import annotations

from lapstrake.errors import InputError
from lapstrake.position import Position
from lapstrake.starlark.parse import parse
from lapstrake.starlark.syntax import FunctionHooks, Hook, Line
from lapstrake.yamldoc.nodes import Array, Document, DocumentSet, Map, MapItem
from lapstrake.ytt import textual
from lapstrake.ytt.builder import Builder
from lapstrake.ytt.directives import Directive, directives_of, is_template_comment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lapstrake.starlark.syntax import Program

TEXT_TEMPLATED = "yaml/text-templated-strings"


class Compiled:
    """A template ready to run; ``docset`` is what it was compiled from (None: a text)."""

    __slots__ = ("builder", "docset", "hooks", "program")

    def __init__(self, program: Program, builder: Builder, docset: DocumentSet | None = None) -> None:
        self.program = program
        self.docset = docset
        self.builder = builder
        self.hooks = FunctionHooks(builder.enter, builder.leave, builder.drop)


def is_template(docset: DocumentSet) -> bool:
    """Whether any comment is meant for ytt."""
    pending: list[Any] = [docset]
    while pending:
        node = pending.pop()
        kind = type(node)
        if kind is Map or kind is Array:
            pending.extend(node.items)
            continue
        comments = getattr(node, "comments", None)
        if comments and any(is_template_comment(comment) for comment in comments):
            return True
        if kind is DocumentSet:
            pending.extend(node.items)
        elif hasattr(node, "value"):
            pending.append(node.value)
    return False


def compile_yaml(
    docset: DocumentSet,
    source: str,
    *,
    serial: int,
    ignore_unknown_comments: bool = False,
    implicit_overrides: bool = False,
    charge: Callable[[int], None] | None = None,
) -> Compiled:
    """The program for a YAML template; ``charge`` counts the nodes that it makes. Raises InputError, or StaticError for code that does not parse."""
    builder = Builder(serial, implicit_overrides=implicit_overrides, charge=charge)
    compiler = _Compiler(builder, source, ignore_unknown_comments)
    try:
        compiler.documents(docset)
    except InputError as error:
        raise InputError(f"Compiling YAML template '{source}': {error}") from error
    return Compiled(parse(source, compiler.lines), builder, docset)


def compile_text(text: str, source: str, *, serial: int) -> Compiled:
    """The program for a text template."""
    builder = Builder(serial, text=True)
    try:
        pieces = textual.pieces_of(text)
    except InputError as error:
        raise InputError(f"Parsing text template '{source}': {error}") from error
    return Compiled(parse(source, textual.lines_of(pieces, builder, source)), builder)


class _Compiler:
    def __init__(self, builder: Builder, source: str, ignore_unknown: bool) -> None:
        self.builder = builder
        self.source = source
        self.ignore_unknown = ignore_unknown
        self.lines: list[Line] = []
        self.nodes = 1
        self.only_node: Directive | None = None
        self.dynamic: set[int] = set()

    def documents(self, docset: DocumentSet) -> None:
        self.dynamic = dynamic_items(docset)
        for document in docset.items:
            self.node(document, docset, False)
        trailing = directives_of(docset.comments or (), 0, self.ignore_unknown)
        for directive in trailing:
            self.code(directive)
        if trailing:
            self.nodes += 1
            self.generated(f"{self.builder.prefix}start_node({self.nodes}) # *yamlmeta.Document")
        self.generated(f"{self.builder.prefix}end_ctx(None)")

    def generated(self, text: str) -> None:
        """A line that only shows in errors, after the user's last one."""
        self.lines.append(Line((Hook(_nothing), "()"), Position(self.source, 0, 0, text), text))

    def node(self, node: Any, parent: Any, templated: bool) -> None:
        self.nodes += 1
        if not templated and id(node) not in self.dynamic:
            self.nodes += _count(node.value)
            self.only_node = None
            self.hook(node.position, self.builder.static(node, parent))
            return
        own_line = 0 if type(node) is Document and node.implicit else node.position.line
        value: Directive | None = None
        ends = 0
        for directive in directives_of(node.comments or (), own_line, self.ignore_unknown):
            if directive.kind == "value":
                value = directive
            elif directive.kind == "annotation":
                templated = templated or directive.name == TEXT_TEMPLATED
                self.annotation(directive, node)
            else:
                self.code(directive)
                ends += directive.one_node
        self.only_node = None
        if templated and type(node) is MapItem and type(node.key) is str and "(@" in node.key:
            self.text(node.key, node.position)
            self.hook(node.position, lambda: self.builder.set_key(node))
        self.hook(node.position, self.builder.starter(node, parent))
        if value is None:
            self.value(node, templated)
        elif node.value is not None:
            raise InputError(
                f"Expected YAML node at line {node.position} to have either computed or YAML value, but found both"
            )
        else:
            parts = (Hook(self.builder.set), f"(({value.text}))")
            self.lines.append(Line(parts, value.comment.position))
        for _ in range(ends):
            self.lines.append(Line(("end",), node.position))

    def value(self, node: Any, templated: bool) -> None:
        value = node.value
        if type(value) is Map or type(value) is Array:
            self.nodes += 1
            for item in value.items:
                self.node(item, value, templated)
        elif templated and type(value) is str and "(@" in value:
            self.text(value, node.position)
            self.hook(node.position, self.builder.set_text)

    def code(self, directive: Directive) -> None:
        if directive.kind == "annotation":
            return
        if self.only_node is not None:
            raise InputError(
                f"Unexpected code at line {directive.comment.position} after use of '*/end', expected YAML node"
            )
        self.lines.append(Line((directive.text,), directive.comment.position))
        if directive.one_node:
            self.only_node = directive

    def annotation(self, directive: Directive, node: Any) -> None:
        position = directive.comment.position
        builder, name = self.builder, directive.name

        def annotate(*args: Any, **kwargs: Any) -> None:
            builder.annotate(node, name, position, args, kwargs)

        self.lines.append(Line((Hook(annotate), f"({directive.text})"), position))

    def text(self, text: str, position: Position) -> None:
        """A string with code in it: opens a context of text and fills it."""
        self.hook(position, self.builder.enter_text)
        self.lines.extend(textual.lines_of(textual.pieces_of(text), self.builder, self.source, position.line))

    def hook(self, position: Position, call: Any) -> None:
        self.lines.append(Line((Hook(call), "()"), position))


def _nothing() -> None:
    return None


def dynamic_items(docset: DocumentSet) -> set[int]:
    """The identities of all items that have comments for ytt, or keys that collide, at or below them."""
    parents: dict[int, Any] = {}
    found: set[int] = set()
    pending: list[Any] = list(docset.items)
    while pending:
        item = pending.pop()
        value = item.value
        children = value.items if type(value) is Map or type(value) is Array else ()
        for child in children:
            parents[id(child)] = item
        pending.extend(children)
        if _has_directives(item) or (type(value) is Map and _has_colliding_keys(value)):
            while item is not None and id(item) not in found:
                found.add(id(item))
                item = parents.get(id(item))
    return found


def _has_directives(item: Any) -> bool:
    return bool(item.comments) and any(not comment.text.startswith("!") for comment in item.comments)


def _has_colliding_keys(value: Map) -> bool:
    keys = {(type(item.key), item.key) if item.key.__hash__ else id(item) for item in value.items}
    return len(keys) != len(value.items)


def _count(value: Any) -> int:
    """How many nodes a value is made of, itself included; a scalar is none."""
    if type(value) is not Map and type(value) is not Array:
        return 0
    return 1 + sum(1 + _count(item.value) for item in value.items)
