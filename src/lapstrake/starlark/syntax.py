"""The syntax tree of a Starlark program, and the lines a program is made of.

A program is a sequence of :class:`Line`. A line of a ``.star`` file is one piece of code text; a line that a
template compiler makes may also hold :class:`Hook` pieces: callables of ours that the program calls like any
function, but that have no name a user could write. So a template becomes a program without becoming text.

Every node knows its line as an index into the program's lines; ``Program.position`` turns it into a Position.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from lapstrake.position import Position


class Hook:
    """A callable placed into a program by its maker; errors call it an identifier."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call


class Line:
    """One line: its ``parts`` (code text or hooks) and where it comes from.

    ``generated`` is the text shown in errors for a line that stands nowhere in the user's file.
    """

    __slots__ = ("generated", "parts", "position")

    def __init__(self, parts: Sequence[str | Hook], position: Position, generated: str = "") -> None:
        self.parts = parts
        self.position = position
        self.generated = generated


class FunctionHooks:
    """What a template adds to every ``def``: ``enter()`` runs first, each return value passes through ``leave``.

    ``leave(value, explicit)``: explicit is False if the function fell off its end or returned nothing.
    ``drop(value)`` gets what a call gave that stands as a statement of its own.
    """

    __slots__ = ("drop", "enter", "leave")

    def __init__(
        self, enter: Callable[[], None], leave: Callable[[Any, bool], Any], drop: Callable[[Any], None]
    ) -> None:
        self.enter = enter
        self.leave = leave
        self.drop = drop


class Node:
    """A piece of the tree; ``line`` counts from 0."""

    __slots__ = ("line",)
    line: int


class Expr(Node):
    __slots__ = ()


class Stmt(Node):
    __slots__ = ()


class Name(Expr):
    __slots__ = ("id",)

    def __init__(self, line: int, id: str) -> None:
        self.line = line
        self.id = id


class HookExpr(Expr):
    __slots__ = ("hook",)

    def __init__(self, line: int, hook: Hook) -> None:
        self.line = line
        self.hook = hook


class Literal(Expr):
    """An int, float or string."""

    __slots__ = ("value",)

    def __init__(self, line: int, value: int | float | str) -> None:
        self.line = line
        self.value = value


class ListExpr(Expr):
    __slots__ = ("items",)

    def __init__(self, line: int, items: list[Expr]) -> None:
        self.line = line
        self.items = items


class TupleExpr(Expr):
    __slots__ = ("items",)

    def __init__(self, line: int, items: list[Expr]) -> None:
        self.line = line
        self.items = items


class DictExpr(Expr):
    __slots__ = ("entries",)

    def __init__(self, line: int, entries: list[tuple[Expr, Expr]]) -> None:
        self.line = line
        self.entries = entries


class ForClause(Node):
    __slots__ = ("iterable", "target")

    def __init__(self, line: int, target: Expr, iterable: Expr) -> None:
        self.line = line
        self.target = target
        self.iterable = iterable


class IfClause(Node):
    __slots__ = ("condition",)

    def __init__(self, line: int, condition: Expr) -> None:
        self.line = line
        self.condition = condition


class Comprehension(Expr):
    """``[body for ...]``, or ``{body: value for ...}`` if there is a value."""

    __slots__ = ("body", "clauses", "value")

    def __init__(
        self, line: int, body: Expr, value: Expr | None, clauses: list[ForClause | IfClause]
    ) -> None:
        self.line = line
        self.body = body
        self.value = value
        self.clauses = clauses


class Conditional(Expr):
    __slots__ = ("condition", "no", "yes")

    def __init__(self, line: int, condition: Expr, yes: Expr, no: Expr) -> None:
        self.line = line
        self.condition = condition
        self.yes = yes
        self.no = no


class Unary(Expr):
    __slots__ = ("op", "operand")

    def __init__(self, line: int, op: str, operand: Expr) -> None:
        self.line = line
        self.op = op
        self.operand = operand


class Binary(Expr):
    __slots__ = ("left", "op", "right")

    def __init__(self, line: int, op: str, left: Expr, right: Expr) -> None:
        self.line = line
        self.op = op
        self.left = left
        self.right = right


class Dot(Expr):
    __slots__ = ("name", "value")

    def __init__(self, line: int, value: Expr, name: str) -> None:
        self.line = line
        self.value = value
        self.name = name


class Index(Expr):
    __slots__ = ("index", "value")

    def __init__(self, line: int, value: Expr, index: Expr) -> None:
        self.line = line
        self.value = value
        self.index = index


class Slice(Expr):
    __slots__ = ("high", "low", "step", "value")

    def __init__(
        self, line: int, value: Expr, low: Expr | None, high: Expr | None, step: Expr | None
    ) -> None:
        self.line = line
        self.value = value
        self.low = low
        self.high = high
        self.step = step


class Argument(Node):
    """One argument of a call: ``kind`` is "", "*", "**" or "=" (then ``name`` is given)."""

    __slots__ = ("kind", "name", "value")

    def __init__(self, line: int, kind: str, name: str, value: Expr) -> None:
        self.line = line
        self.kind = kind
        self.name = name
        self.value = value


class Call(Expr):
    __slots__ = ("args", "function")

    def __init__(self, line: int, function: Expr, args: list[Argument]) -> None:
        self.line = line
        self.function = function
        self.args = args


class Parameter(Node):
    """``kind`` is "", "*" (also the bare star, with an empty name) or "**"."""

    __slots__ = ("default", "kind", "name")

    def __init__(self, line: int, kind: str, name: str, default: Expr | None) -> None:
        self.line = line
        self.kind = kind
        self.name = name
        self.default = default


class Lambda(Expr):
    __slots__ = ("body", "params")

    def __init__(self, line: int, params: list[Parameter], body: Expr) -> None:
        self.line = line
        self.params = params
        self.body = body


class ExprStmt(Stmt):
    __slots__ = ("value",)

    def __init__(self, line: int, value: Expr) -> None:
        self.line = line
        self.value = value


class Assign(Stmt):
    """``op`` is "=" or the augmented one ("+=", ...)."""

    __slots__ = ("op", "target", "value")

    def __init__(self, line: int, target: Expr, op: str, value: Expr) -> None:
        self.line = line
        self.target = target
        self.op = op
        self.value = value


class If(Stmt):
    __slots__ = ("body", "condition", "orelse")

    def __init__(self, line: int, condition: Expr, body: list[Stmt], orelse: list[Stmt]) -> None:
        self.line = line
        self.condition = condition
        self.body = body
        self.orelse = orelse


class For(Stmt):
    __slots__ = ("body", "iterable", "target")

    def __init__(self, line: int, target: Expr, iterable: Expr, body: list[Stmt]) -> None:
        self.line = line
        self.target = target
        self.iterable = iterable
        self.body = body


class While(Stmt):
    __slots__ = ("body", "condition")

    def __init__(self, line: int, condition: Expr, body: list[Stmt]) -> None:
        self.line = line
        self.condition = condition
        self.body = body


class Def(Stmt):
    __slots__ = ("body", "name", "params")

    def __init__(self, line: int, name: str, params: list[Parameter], body: list[Stmt]) -> None:
        self.line = line
        self.name = name
        self.params = params
        self.body = body


class Return(Stmt):
    __slots__ = ("value",)

    def __init__(self, line: int, value: Expr | None) -> None:
        self.line = line
        self.value = value


class Branch(Stmt):
    """``break`` or ``continue``."""

    __slots__ = ("word",)

    def __init__(self, line: int, word: str) -> None:
        self.line = line
        self.word = word


class Load(Stmt):
    """``names``: pairs (local name, name in the module)."""

    __slots__ = ("module", "names")

    def __init__(self, line: int, module: str, names: list[tuple[str, str]]) -> None:
        self.line = line
        self.module = module
        self.names = names


class Program:
    """A parsed program: its lines and its statements; ``name`` is what loads and messages call it."""

    __slots__ = ("lines", "name", "statements")

    def __init__(self, name: str, lines: Sequence[Line], statements: list[Stmt]) -> None:
        self.name = name
        self.lines = lines
        self.statements = statements


def lines_of(text: str, source: str) -> list[Line]:
    """The lines of a ``.star`` file; positions carry no file name where ``source`` is empty (as ytt shows them)."""
    from lapstrake.position import Position

    return [
        Line((line,), Position(source, number, 1, line)) for number, line in enumerate(text.split("\n"), 1)
    ]
