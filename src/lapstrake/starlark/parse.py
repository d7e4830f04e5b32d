"""Tokens to syntax tree: a recursive-descent parser for ytt's dialect of Starlark.

A suite after a colon and a line end goes on until ``end`` (or ``elif``/``else``); on the same line it is one
simple statement and takes no ``end``. The wording of the errors is the tool's.
"""

from __future__ import annotations

from lapstrake.starlark.errors import Fault, StaticError
from lapstrake.starlark.scan import Scanner, Token
from lapstrake.starlark.syntax import (
    Argument,
    Assign,
    Binary,
    Branch,
    Call,
    Comprehension,
    Conditional,
    Def,
    DictExpr,
    Dot,
    Expr,
    ExprStmt,
    For,
    ForClause,
    Hook,
    HookExpr,
    If,
    IfClause,
    Index,
    Lambda,
    ListExpr,
    Literal,
    Load,
    Name,
    Parameter,
    Program,
    Return,
    Slice,
    Stmt,
    TupleExpr,
    Unary,
    While,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from lapstrake.starlark.syntax import Line

_LEVELS = (
    ("or",),
    ("and",),
    ("not",),
    ("==", "!=", "<", ">", "<=", ">=", "in", "not in"),
    ("|",),
    ("^",),
    ("&",),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "//", "%"),
)
_NOT_LEVEL = 2
_COMPARISON_LEVEL = 3
_BINARY_LEVELS = {op: level for level, ops in enumerate(_LEVELS) for op in ops if level != _NOT_LEVEL}
_ASSIGNMENTS = frozenset({"=", "+=", "-=", "*=", "/=", "//=", "%=", "&=", "|=", "^=", "<<=", ">>="})
_NAMES = {
    "int": "int literal",
    "float": "float literal",
    "string": "string literal",
    "EOF": "end of file",
    "illegal": "illegal token",
    "hook": "identifier",
    "statement": "identifier",
    "identifier": "identifier",
    "newline": "newline",
}
_EXPRESSION_ENDS = frozenset({")", "]", "}", "newline", "EOF", ":", "=", ";", "for", "in", "else", "end"})
MAX_NESTING = 100


def parse(name: str, lines: Sequence[Line]) -> Program:
    """The program these lines make; raises StaticError."""
    return Program(name, lines, _Parser(lines).program())


def shown_lines(lines: Sequence[Line], row: int) -> list[Line]:
    """The lines an error at ``row`` is shown with: a generated one comes after the last line of the user's."""
    line = lines[row]
    if not line.generated:
        return [line]
    before = row - 1
    while before >= 0 and lines[before].generated:
        before -= 1
    return [lines[before], line] if before >= 0 else [line]


class _Parser:
    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.tokens = Scanner(lines).scan() if lines else [Token("EOF", 0)]
        self.at = 0
        self.token = self.tokens[0]
        self.nesting = 0

    # -- tokens

    def fail(self, message: str, row: int | None = None) -> NoReturn:
        raise StaticError([Fault(message, shown_lines(self.lines, self.token.line if row is None else row))])

    def next(self) -> Token:
        token = self.token
        if token.kind != "EOF":
            self.at += 1
            self.token = self.tokens[self.at]
        return token

    def unexpected(self, wanted: str) -> NoReturn:
        self.fail(f"got {_shown(self.token)}, want {wanted}")

    def want(self, kind: str) -> Token:
        if self.token.kind != kind:
            self.unexpected(_NAMES.get(kind) or f"'{kind}'")
        return self.next()

    def accept(self, kind: str) -> bool:
        if self.token.kind == kind:
            self.next()
            return True
        return False

    # -- statements

    def program(self) -> list[Stmt]:
        statements: list[Stmt] = []
        while self.token.kind != "EOF":
            if self.accept("newline"):
                continue
            self.statement(statements)
        return statements

    def statement(self, out: list[Stmt]) -> None:
        kind = self.token.kind
        if kind == "def":
            out.append(self.definition())
        elif kind == "if":
            out.append(self.if_statement())
        elif kind == "for":
            out.append(self.for_statement())
        elif kind == "statement":
            token = self.next()
            assert isinstance(token.value, Hook)
            out.append(ExprStmt(token.line, Call(token.line, HookExpr(token.line, token.value), [])))
        elif kind == "while":
            row = self.next().line
            condition = self.test()
            out.append(While(row, condition, self.suite(row)))
        else:
            self.simple_line(out)

    def simple_line(self, out: list[Stmt]) -> None:
        while True:
            out.append(self.simple())
            if not self.accept(";") or self.token.kind in ("newline", "EOF"):
                break
        if self.token.kind != "EOF":
            self.want("newline")

    def simple(self) -> Stmt:
        token = self.token
        kind = token.kind
        if kind == "return":
            self.next()
            value = None if self.token.kind in ("newline", "EOF", ";") else self.expression()
            return Return(token.line, value)
        if kind in ("break", "continue"):
            self.next()
            return Branch(token.line, kind)
        if kind == "pass":
            self.fail("use of reserved keyword 'pass' is not allowed")
        if kind == "load":
            return self.load()
        if kind in ("else", "elif"):
            self.fail("unexpected end")
        if kind == "end":
            self.next()
            self.fail("unexpected end")
        value = self.expression()
        if self.token.kind in _ASSIGNMENTS:
            op = self.next().kind
            return Assign(token.line, value, op, self.expression())
        return ExprStmt(token.line, value)

    def suite(self, opened: int) -> list[Stmt]:
        """The body after a colon, through its ``end``; ``opened`` is the line to blame if that is missing."""
        body, closed = self.body(opened)
        if not closed and not self.accept("end"):
            self.fail("unexpected end")
        return body

    def body(self, opened: int) -> tuple[list[Stmt], bool]:
        """Statements up to ``end``, ``elif`` or ``else``; True if they stood on one line and need no ``end``."""
        self.want(":")
        body: list[Stmt] = []
        if self.token.kind != "newline":
            self.simple_line(body)
            return body, True
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            self.fail("blocks are nested too deeply")
        while self.token.kind not in ("end", "elif", "else"):
            if self.token.kind == "EOF":
                self.fail("mismatched set of block openings (if/else/elif/for/def) and closing (end)", opened)
            if not self.accept("newline"):
                self.statement(body)
        self.nesting -= 1
        return body, False

    def if_statement(self) -> If:
        row = self.next().line
        condition = self.test()
        body, one_line = self.body(row)
        orelse: list[Stmt] = []
        if self.token.kind == "elif":
            orelse = [self.if_statement()]
            return If(row, condition, body, orelse)
        if self.token.kind == "else":
            else_row = self.next().line
            orelse, one_line = self.body(else_row)
        if not one_line and not self.accept("end"):
            self.fail("unexpected end")
        return If(row, condition, body, orelse)

    def for_statement(self) -> For:
        row = self.next().line
        target = self.loop_target()
        self.want("in")
        iterable = self.expression()
        return For(row, target, iterable, self.suite(row))

    def definition(self) -> Def:
        row = self.next().line
        name = str(self.want("identifier").value)
        self.want("(")
        params = self.parameters(")")
        self.want(")")
        return Def(row, name, params, self.suite(row))

    def load(self) -> Load:
        row = self.next().line
        self.want("(")
        if self.token.kind != "string":
            self.fail("first operand of load statement must be a string literal")
        module = str(self.next().value)
        names: list[tuple[str, str]] = []
        while self.token.kind != ")":
            self.want(",")
            if self.token.kind == ")":
                break
            names.append(self.loaded_name())
        self.want(")")
        if not names:
            self.fail("load statement must import at least 1 symbol", row)
        return Load(row, module, names)

    def loaded_name(self) -> tuple[str, str]:
        token = self.next()
        if token.kind == "string":
            name = str(token.value)
            pair = (name, name)
        elif token.kind == "identifier":
            local = str(token.value)
            if self.token.kind != "=":
                self.fail(
                    f'load operand must be "{local}" or {local}="originalname" (want \'=\' after {local})'
                )
            self.next()
            if self.token.kind != "string":
                self.fail(f'original name of loaded symbol must be quoted: {local}="originalname"')
            name = str(self.next().value)
            pair = (local, name)
        else:
            self.fail(f'load operand must be "name" or localname="name" (got {_shown(token)})', token.line)
        if name.startswith("_"):
            self.fail(f"load: names with leading underscores are not exported: {name}", token.line)
        return pair

    # -- expressions

    def expression(self, in_parens: bool = False) -> Expr:
        """One or more tests; a comma makes a tuple."""
        row = self.token.line
        first = self.test()
        if self.token.kind != ",":
            return first
        items = [first]
        while self.accept(","):
            if self.token.kind in _EXPRESSION_ENDS or self.token.kind in _ASSIGNMENTS:
                if not in_parens:
                    self.fail("unparenthesized tuple with trailing comma")
                break
            items.append(self.test())
        return TupleExpr(row, items)

    def loop_target(self) -> Expr:
        row = self.token.line
        first = self.primary_with_suffix()
        if self.token.kind != ",":
            return first
        items = [first]
        while self.accept(","):
            if self.token.kind == "in":
                break
            items.append(self.primary_with_suffix())
        return TupleExpr(row, items)

    def test(self) -> Expr:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            self.fail("expressions are nested too deeply")
        row = self.token.line
        if self.accept("lambda"):
            params = self.parameters(":")
            self.want(":")
            value: Expr = Lambda(row, params, self.test())
        else:
            value = self.operation(0)
            if self.accept("if"):
                condition = self.operation(0)
                if self.token.kind != "else":
                    self.fail("conditional expression without else clause")
                self.next()
                value = Conditional(row, condition, value, self.test())
        self.nesting -= 1
        return value

    def operation(self, lowest: int) -> Expr:
        """Operands joined by operators of at least this level (see ``_LEVELS``)."""
        if self.token.kind == "not" and lowest <= _NOT_LEVEL:
            row = self.next().line
            left: Expr = Unary(row, "not", self.operation(_NOT_LEVEL))
        else:
            left = self.unary()
        compared = ""
        while True:
            op = self.token.kind
            if op == "not":
                op = "not in"
            level = _BINARY_LEVELS.get(op, -1)
            if level < lowest:
                return left
            if level == _COMPARISON_LEVEL and compared:
                self.fail(f"{compared} does not associate with {op} (use parens)")
            row = self.next().line
            if op == "not in":
                self.want("in")
            compared = op if level == _COMPARISON_LEVEL else ""
            left = Binary(row, op, left, self.operation(level + 1))

    def unary(self) -> Expr:
        row = self.token.line
        kind = self.token.kind
        if kind in ("-", "+", "~"):
            self.next()
            self.nesting += 1
            if self.nesting > MAX_NESTING:
                self.fail("expressions are nested too deeply")
            operand = self.unary()
            self.nesting -= 1
            return Unary(row, kind, operand)
        return self.primary_with_suffix()

    def primary_with_suffix(self) -> Expr:
        value = self.primary()
        while True:
            row = self.token.line
            if self.accept("."):
                if self.token.kind == "illegal":
                    self.fail(
                        f"use of reserved keyword '{self.token.value}' is not allowed (expected identifier)"
                    )
                name = self.want("identifier")
                value = Dot(name.line, value, str(name.value))
            elif self.accept("("):
                args = self.arguments()
                self.want(")")
                value = Call(row, value, args)
            elif self.accept("["):
                value = self.subscript(row, value)
            else:
                return value

    def subscript(self, row: int, value: Expr) -> Expr:
        low: Expr | None = None
        if self.token.kind != ":":
            low = self.expression(in_parens=True)
            if self.accept("]"):
                return Index(row, value, low)
        high: Expr | None = None
        step: Expr | None = None
        self.want(":")
        if self.token.kind not in (":", "]"):
            high = self.test()
        if self.accept(":") and self.token.kind != "]":
            step = self.test()
        self.want("]")
        return Slice(row, value, low, high, step)

    def arguments(self) -> list[Argument]:
        args: list[Argument] = []
        while self.token.kind not in (")", "EOF"):
            if args:
                self.want(",")
            if self.token.kind == ")":
                break
            args.append(self.argument())
        return args

    def argument(self) -> Argument:
        row = self.token.line
        if self.accept("*"):
            return Argument(row, "*", "", self.test())
        if self.accept("**"):
            return Argument(row, "**", "", self.test())
        value = self.test()
        if self.token.kind == "=":
            if not isinstance(value, Name):
                self.fail("keyword argument must have form name=expr")
            self.next()
            return Argument(row, "=", value.id, self.test())
        return Argument(row, "", "", value)

    def parameters(self, end: str) -> list[Parameter]:
        params: list[Parameter] = []
        while self.token.kind not in (end, "EOF"):
            if params:
                self.want(",")
            if self.token.kind == end:
                break
            row = self.token.line
            if self.accept("**"):
                params.append(Parameter(row, "**", str(self.want("identifier").value), None))
            elif self.accept("*"):
                named = self.token.kind == "identifier"
                params.append(Parameter(row, "*", str(self.next().value) if named else "", None))
            else:
                if self.token.kind != "identifier":
                    break
                name = str(self.next().value)
                default = self.test() if self.accept("=") else None
                params.append(Parameter(row, "", name, default))
        return params

    def primary(self) -> Expr:
        token = self.token
        kind = token.kind
        if kind == "identifier":
            self.next()
            return Name(token.line, str(token.value))
        if kind in ("int", "float", "string"):
            self.next()
            return Literal(token.line, token.value)  # type: ignore[arg-type]
        if kind == "hook":
            self.next()
            return HookExpr(token.line, token.value)  # type: ignore[arg-type]
        if kind == "(":
            return self.parenthesized()
        if kind == "[":
            return self.list_display()
        if kind == "{":
            return self.dict_display()
        return self.unexpected("primary expression")

    def parenthesized(self) -> Expr:
        row = self.want("(").line
        if self.accept(")"):
            return TupleExpr(row, [])
        value = self.expression(in_parens=True)
        self.want(")")
        # What may be assigned to depends on parentheses; beyond that they leave no trace.
        return value if isinstance(value, (Name, TupleExpr)) else Unary(row, "()", value)

    def list_display(self) -> Expr:
        row = self.want("[").line
        if self.accept("]"):
            return ListExpr(row, [])
        first = self.test()
        if self.token.kind == "for":
            return self.comprehension(row, first, None, "]")
        items = [first]
        while self.accept(","):
            if self.token.kind == "]":
                break
            items.append(self.test())
        self.want("]")
        return ListExpr(row, items)

    def dict_display(self) -> Expr:
        row = self.want("{").line
        entries: list[tuple[Expr, Expr]] = []
        while self.token.kind != "}":
            key = self.test()
            self.want(":")
            value = self.test()
            if not entries and self.token.kind == "for":
                return self.comprehension(row, key, value, "}")
            entries.append((key, value))
            if not self.accept(","):
                break
        self.want("}")
        return DictExpr(row, entries)

    def comprehension(self, row: int, body: Expr, value: Expr | None, end: str) -> Expr:
        clauses: list[ForClause | IfClause] = []
        while self.token.kind != end:
            clause_row = self.token.line
            if self.accept("for"):
                target = self.loop_target()
                self.want("in")
                clauses.append(ForClause(clause_row, target, self.operation(0)))
            elif self.accept("if"):
                clauses.append(IfClause(clause_row, self.operation(0)))
            else:
                self.unexpected(f"'{end}', for, or if")
        self.want(end)
        return Comprehension(row, body, value, clauses)


def _shown(token: Token) -> str:
    if token.kind in _NAMES:
        return _NAMES[token.kind]
    return token.kind if token.kind.isalpha() else f"'{token.kind}'"
