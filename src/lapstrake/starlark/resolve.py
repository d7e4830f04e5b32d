"""Static checks: every name is bound somewhere, targets can be assigned, jumps stand where they may.

At the top level a name must be bound above its use; in functions and comprehensions anywhere in the enclosing
blocks or the whole file. All faults are found in one pass and reported together, undefined names of function
bodies last.
"""

from __future__ import annotations

from lapstrake.starlark.errors import Fault, StaticError
from lapstrake.starlark.parse import shown_lines
from lapstrake.starlark.syntax import (
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
    HookExpr,
    If,
    Index,
    Lambda,
    ListExpr,
    Literal,
    Load,
    Name,
    Return,
    Slice,
    TupleExpr,
    Unary,
    While,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from lapstrake.starlark.syntax import Argument, Parameter, Program, Stmt


class Resolution:
    """``exports``: what other programs may load from this one, in order of first binding."""

    __slots__ = ("exports",)

    def __init__(self, exports: Sequence[str]) -> None:
        self.exports = exports


def resolve(program: Program, universe: Collection[str]) -> Resolution:
    """Check ``program``; ``universe`` are the names that exist without being defined. Raises StaticError."""
    resolver = _Resolver(program, universe)
    resolver.block(program.statements)
    resolver.resolve_deferred()
    if resolver.faults:
        raise StaticError(resolver.faults)
    loaded = resolver.loaded
    return Resolution([name for name in resolver.globals if name not in loaded])


class _Scope:
    """A function or a comprehension (``is_function`` False)."""

    __slots__ = ("is_function", "names", "parent")

    def __init__(self, parent: _Scope | None, is_function: bool) -> None:
        self.parent = parent
        self.is_function = is_function
        self.names: set[str] = set()


class _Resolver:
    def __init__(self, program: Program, universe: Collection[str]) -> None:
        self.program = program
        self.universe = universe
        self.faults: list[Fault] = []
        self.globals: dict[str, None] = {}
        self.loaded: set[str] = set()
        self.scope: _Scope | None = None
        self.loops = 0
        self.deferred: list[tuple[str, int, _Scope]] = []

    def fault(self, row: int, message: str) -> None:
        self.faults.append(Fault(message, shown_lines(self.program.lines, row)))

    # -- names

    def bind(self, row: int, name: str) -> None:
        if name.startswith("__"):
            self.fault(row, f"names that begin with '__' are reserved: {name}")
        scope = self.scope
        while scope is not None and not scope.is_function:
            if name in scope.names:
                return
            scope = scope.parent
        if scope is not None:
            scope.names.add(name)
        else:
            self.globals.setdefault(name)
            self.loaded.discard(name)

    def use(self, row: int, name: str) -> None:
        if self.scope is not None:
            self.deferred.append((name, row, self.scope))
        elif name not in self.globals and name not in self.universe:
            self.undefined(row, name)

    def undefined(self, row: int, name: str) -> None:
        self.fault(row, f"undefined: {name}")

    def resolve_deferred(self) -> None:
        for name, row, innermost in self.deferred:
            scope: _Scope | None = innermost
            while scope is not None and name not in scope.names:
                scope = scope.parent
            if scope is None and name not in self.globals and name not in self.universe:
                self.undefined(row, name)

    # -- statements

    def block(self, statements: Sequence[Stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, statement: Stmt) -> None:
        if isinstance(statement, ExprStmt):
            self.expression(statement.value)
        elif isinstance(statement, Assign):
            self.expression(statement.value)
            self.target(statement.target, augmented=statement.op != "=")
        elif isinstance(statement, If):
            self.expression(statement.condition)
            self.block(statement.body)
            self.block(statement.orelse)
        elif isinstance(statement, For):
            self.expression(statement.iterable)
            self.target(statement.target)
            self.loop(statement.body)
        elif isinstance(statement, While):
            self.expression(statement.condition)
            self.loop(statement.body)
        elif isinstance(statement, Def):
            self.bind(statement.line, statement.name)
            self.function(statement.params, statement.body)
        elif isinstance(statement, Return):
            if self.enclosing_function() is None:
                self.fault(statement.line, "return statement not within a function")
            if statement.value is not None:
                self.expression(statement.value)
        elif isinstance(statement, Branch):
            if not self.loops:
                self.fault(statement.line, f"{statement.word} not in a loop")
        elif isinstance(statement, Load):
            self.load(statement)

    def loop(self, body: Sequence[Stmt]) -> None:
        self.loops += 1
        self.block(body)
        self.loops -= 1

    def load(self, statement: Load) -> None:
        if self.scope is not None:
            self.fault(statement.line, "load statement within a function")
        for local, _ in statement.names:
            self.bind(statement.line, local)
            self.loaded.add(local)

    def enclosing_function(self) -> _Scope | None:
        scope = self.scope
        while scope is not None and not scope.is_function:
            scope = scope.parent
        return scope

    def target(self, target: Expr, augmented: bool = False) -> None:
        if isinstance(target, Name):
            self.bind(target.line, target.id)
        elif isinstance(target, Index):
            self.expression(target.value)
            self.expression(target.index)
        elif isinstance(target, Dot):
            self.expression(target.value)
        elif isinstance(target, (TupleExpr, ListExpr)):
            if augmented:
                kind = "tuple" if isinstance(target, TupleExpr) else "list"
                self.fault(target.line, f"can't use {kind} expression in augmented assignment")
            for item in target.items:
                self.target(item)
        elif isinstance(target, Unary) and target.op == "()":
            self.target(target.operand)
        else:
            self.fault(target.line, f"can't assign to {_kind(target)}")

    # -- functions

    def function(self, params: Sequence[Parameter], body: Sequence[Stmt] | Expr) -> None:
        self.check_parameters(params)
        for param in params:
            if param.default is not None:
                self.expression(param.default)
        outer, outer_loops = self.scope, self.loops
        self.scope = _Scope(outer, True)
        self.loops = 0
        for param in params:
            if param.name:
                if param.name in self.scope.names:
                    self.fault(param.line, f"duplicate parameter: {param.name}")
                self.bind(param.line, param.name)
        if isinstance(body, Expr):
            self.expression(body)
        else:
            self.block(body)
        self.scope, self.loops = outer, outer_loops

    def check_parameters(self, params: Sequence[Parameter]) -> None:
        star = False
        optional = False
        for number, param in enumerate(params):
            if param.kind == "**":
                if number != len(params) - 1:
                    self.fault(params[number + 1].line, "parameter may not follow **kwargs")
            elif param.kind == "*":
                if star:
                    self.fault(param.line, "multiple * parameters not allowed")
                star = True
                if not param.name and (number + 1 == len(params) or params[number + 1].kind):
                    self.fault(param.line, "bare * must be followed by keyword-only parameters")
            elif param.default is not None:
                optional = True
            elif optional and not star:
                self.fault(param.line, "required parameter may not follow optional")

    def call(self, call: Call) -> None:
        self.expression(call.function)
        named: set[str] = set()
        star = double_star = False
        for arg in call.args:
            if arg.kind == "**":
                if double_star:
                    self.fault(arg.line, "multiple **kwargs not allowed")
                double_star = True
            elif arg.kind == "*":
                if double_star:
                    self.fault(arg.line, "*args may not follow **kwargs")
                elif star:
                    self.fault(arg.line, "multiple *args not allowed")
                star = True
            else:
                self.check_argument(arg, named, star, double_star)
            self.expression(arg.value)

    def check_argument(self, arg: Argument, named: set[str], star: bool, double_star: bool) -> None:
        if arg.kind == "=":
            if double_star:
                self.fault(arg.line, "keyword argument may not follow **kwargs")
            elif arg.name in named:
                self.fault(arg.line, f"keyword argument {arg.name} repeated")
            named.add(arg.name)
        elif double_star:
            self.fault(arg.line, "argument may not follow **kwargs")
        elif star:
            self.fault(arg.line, "positional argument may not follow *args")
        elif named:
            self.fault(arg.line, "positional argument may not follow named")

    # -- expressions

    def expression(self, value: Expr) -> None:
        if isinstance(value, Name):
            self.use(value.line, value.id)
        elif isinstance(value, (Literal, HookExpr)):
            pass
        elif isinstance(value, Call):
            self.call(value)
        elif isinstance(value, Dot):
            self.expression(value.value)
        elif isinstance(value, Binary):
            self.expression(value.left)
            self.expression(value.right)
        elif isinstance(value, Unary):
            self.expression(value.operand)
        elif isinstance(value, Index):
            self.expression(value.value)
            self.expression(value.index)
        elif isinstance(value, Slice):
            for part in (value.value, value.low, value.high, value.step):
                if part is not None:
                    self.expression(part)
        elif isinstance(value, (ListExpr, TupleExpr)):
            for item in value.items:
                self.expression(item)
        elif isinstance(value, DictExpr):
            for key, item in value.entries:
                self.expression(key)
                self.expression(item)
        elif isinstance(value, Conditional):
            self.expression(value.condition)
            self.expression(value.yes)
            self.expression(value.no)
        elif isinstance(value, Lambda):
            self.function(value.params, value.body)
        elif isinstance(value, Comprehension):
            self.comprehension(value)

    def comprehension(self, value: Comprehension) -> None:
        first = value.clauses[0]
        outer = self.scope
        if isinstance(first, ForClause):
            self.expression(first.iterable)
        self.scope = _Scope(outer, False)
        for clause in value.clauses:
            if isinstance(clause, ForClause):
                if clause is not first:
                    self.expression(clause.iterable)
                self.loop_names(clause.target)
            else:
                self.expression(clause.condition)
        self.expression(value.body)
        if value.value is not None:
            self.expression(value.value)
        self.scope = outer

    def loop_names(self, target: Expr) -> None:
        """A comprehension binds names, and tuples of names, only."""
        if isinstance(target, Name):
            assert self.scope is not None
            if target.id.startswith("__"):
                self.fault(target.line, f"names that begin with '__' are reserved: {target.id}")
            self.scope.names.add(target.id)
        elif isinstance(target, (TupleExpr, ListExpr)):
            for item in target.items:
                self.loop_names(item)
        else:
            self.fault(target.line, f"can't assign to {_kind(target)}")


_KINDS: dict[type, str] = {
    Binary: "binaryexpr",
    Call: "callexpr",
    Comprehension: "comprehension",
    Conditional: "condexpr",
    DictExpr: "dictexpr",
    Dot: "dotexpr",
    HookExpr: "ident",
    Index: "indexexpr",
    Lambda: "lambdaexpr",
    Literal: "literal",
    Slice: "sliceexpr",
}


def _kind(value: Expr) -> str:
    """What messages call an expression that cannot be assigned to."""
    if isinstance(value, Unary):
        return "parenexpr" if value.op == "()" else "unaryexpr"
    return _KINDS[type(value)]
