"""Syntax tree to CPython code, through Python's ``ast`` nodes; no source text is ever made.

The operations live in the module's builtins under names that begin with a dot, which no user can write. A node's
Python line number is its program line plus one, so that a traceback leads back to the program's lines.
"""

from __future__ import annotations

import _ast as ast  # the nodes alone; what the ast module adds to them costs a small render 2 ms

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
    from collections.abc import Sequence
    from types import CodeType
    from typing import Any

    from lapstrake.starlark.syntax import FunctionHooks, Parameter, Program, Stmt

_BINARY_OPERATIONS = {
    "+": ".add",
    "-": ".subtract",
    "*": ".multiply",
    "/": ".divide",
    "//": ".floor_divide",
    "%": ".modulo",
    "|": ".bit_or",
    "&": ".bit_and",
    "^": ".bit_xor",
    "<<": ".shift_left",
    ">>": ".shift_right",
    "==": ".equal",
    "!=": ".not_equal",
    "<": ".lower",
    "<=": ".lower_equal",
    ">": ".greater",
    ">=": ".greater_equal",
    "in": ".contains",
    "not in": ".lacks",
}
_UNARY_OPERATIONS = {"-": ".negative", "+": ".positive", "~": ".invert"}
_CONSTANTS = {"True": True, "False": False, "None": None}
_LOAD = ast.Load()
_STORE = ast.Store()


class Compiled:
    """``code`` to be executed with the machine's operations and ``hooks`` (hidden name to callable) as builtins."""

    __slots__ = ("code", "hooks")

    def __init__(self, code: CodeType, hooks: dict[str, Any]) -> None:
        self.code = code
        self.hooks = hooks


def compile_program(program: Program, filename: str, function_hooks: FunctionHooks | None = None) -> Compiled:
    """Compile a checked program; ``filename`` must be new, as it leads from a traceback to the program."""
    compiler = _Compiler(function_hooks)
    body = compiler.statements(program.statements)
    module = ast.Module(body=body, type_ignores=[])
    code = compile(module, filename, "exec", dont_inherit=True)
    return Compiled(code, compiler.hooks)


class _Compiler:
    def __init__(self, function_hooks: FunctionHooks | None) -> None:
        self.function_hooks = function_hooks
        self.hooks: dict[str, Any] = {}
        self.temporaries = 0
        if function_hooks is not None:
            self.hooks[".enter"] = function_hooks.enter
            self.hooks[".leave"] = function_hooks.leave
            self.hooks[".drop"] = function_hooks.drop

    # -- pieces

    def guarded(self, row: int, name: str, *args: ast.expr) -> ast.Call:
        return ast.Call(_name(row, name), list(args), [], lineno=row + 1, col_offset=0)

    def temporary(self) -> str:
        self.temporaries += 1
        return f".t{self.temporaries}"

    # -- statements

    def statements(self, statements: Sequence[Stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for statement in statements:
            self.statement(statement, out)
        return out

    def block(self, statements: Sequence[Stmt], row: int) -> list[ast.stmt]:
        return self.statements(statements) or [ast.Pass(lineno=row + 1, col_offset=0)]

    def statement(self, statement: Stmt, out: list[ast.stmt]) -> None:
        row = statement.line
        place: dict[str, Any] = {"lineno": row + 1, "col_offset": 0}
        if isinstance(statement, ExprStmt):
            value = self.expression(statement.value)
            if self.function_hooks is not None and _is_user_call(statement.value):
                value = self.guarded(row, ".drop", value)
            out.append(ast.Expr(value, **place))
        elif isinstance(statement, Assign):
            self.assign(statement, out)
        elif isinstance(statement, If):
            body = self.block(statement.body, row)
            orelse = self.statements(statement.orelse)
            out.append(ast.If(self.expression(statement.condition), body, orelse, **place))
        elif isinstance(statement, For):
            out.append(self.for_loop(statement))
        elif isinstance(statement, While):
            tick = self.guarded(row, ".tick")
            test = ast.BoolOp(ast.And(), [tick, self.expression(statement.condition)], **place)
            out.append(ast.While(test, self.block(statement.body, row), [], **place))
        elif isinstance(statement, Def):
            out.append(self.definition(statement))
        elif isinstance(statement, Return):
            out.append(self.return_statement(row, statement.value))
        elif isinstance(statement, Branch):
            out.append(ast.Break(**place) if statement.word == "break" else ast.Continue(**place))
        elif isinstance(statement, Load):
            self.load(statement, out)

    def for_loop(self, statement: For) -> ast.For:
        row = statement.line
        after: list[ast.stmt] = []
        target, iterable = self.loop(row, statement.target, statement.iterable, after)
        body = after + self.block(statement.body, row)
        return ast.For(target, iterable, body, [], lineno=row + 1, col_offset=0)

    def loop(
        self, row: int, target: Expr, iterable: Expr, after: list[ast.stmt]
    ) -> tuple[ast.expr, ast.expr]:
        """Target and iterable of a loop; what a target needs beyond names is put into ``after``."""
        items = self.guarded(row, ".iterate", self.expression(iterable))
        shape = _shape(target)
        if shape is not None:
            items = self.guarded(row, ".iterate_unpacked", items, _constant(row, shape))
        return self.target(target, after), items

    def assign(self, statement: Assign, out: list[ast.stmt]) -> None:
        row = statement.line
        value = self.expression(statement.value)
        target = _unparenthesized(statement.target)
        place: dict[str, Any] = {"lineno": row + 1, "col_offset": 0}
        if statement.op != "=":
            out.append(self.augmented(row, target, statement.op[:-1], value))
            return
        if isinstance(target, (Index, Dot)):
            out.append(self.store(row, target, value))
            return
        shape = _shape(target)
        if shape is not None:
            value = self.guarded(row, ".unpacked", value, _constant(row, shape))
        after: list[ast.stmt] = []
        out.append(ast.Assign([self.target(target, after)], value, **place))
        out.extend(after)

    def target(self, target: Expr, after: list[ast.stmt]) -> ast.expr:
        target = _unparenthesized(target)
        row = target.line
        if isinstance(target, Name):
            return _name(row, _python_name(target.id), _STORE)
        if isinstance(target, (TupleExpr, ListExpr)):
            items = [self.target(item, after) for item in target.items]
            return ast.Tuple(items, _STORE, lineno=row + 1, col_offset=0)
        name = self.temporary()
        after.append(self.store(row, target, _name(row, name)))
        return _name(row, name, _STORE)

    def store(self, row: int, target: Expr, value: ast.expr) -> ast.stmt:
        if isinstance(target, Index):
            call = self.guarded(
                row, ".set_index", self.expression(target.value), self.expression(target.index), value
            )
        else:
            assert isinstance(target, Dot)
            call = self.guarded(
                row, ".set_attr", self.expression(target.value), _constant(row, target.name), value
            )
        return ast.Expr(call, lineno=row + 1, col_offset=0)

    def augmented(self, row: int, target: Expr, op: str, value: ast.expr) -> ast.stmt:
        operator = ".in_place_add" if op == "+" else _BINARY_OPERATIONS[op]
        place: dict[str, Any] = {"lineno": row + 1, "col_offset": 0}
        if isinstance(target, Name):
            result = self.guarded(row, operator, self.expression(target), value)
            return ast.Assign([_name(row, _python_name(target.id), _STORE)], result, **place)
        function = _name(row, operator)
        if isinstance(target, Index):
            container, key = self.expression(target.value), self.expression(target.index)
            return ast.Expr(self.guarded(row, ".augment_index", container, key, function, value), **place)
        assert isinstance(target, Dot)
        container, key = self.expression(target.value), _constant(row, target.name)
        return ast.Expr(self.guarded(row, ".augment_attr", container, key, function, value), **place)

    def definition(self, statement: Def) -> ast.FunctionDef:
        row = statement.line
        place: dict[str, Any] = {"lineno": row + 1, "col_offset": 0}
        body = self.statements(statement.body)
        if self.function_hooks is not None:
            enter = ast.Expr(self.guarded(_first_line(statement), ".enter"), **place)
            body = [enter, *body, self.return_statement(row, None)]
        name, parameters = _python_name(statement.name), self.parameters(statement.params)
        return ast.FunctionDef(name, parameters, body or [ast.Pass(**place)], [], **place)

    def return_statement(self, row: int, value: Expr | None) -> ast.Return:
        result: ast.expr = _constant(row, None) if value is None else self.expression(value)
        if self.function_hooks is not None:
            result = self.guarded(row, ".leave", result, _constant(row, value is not None))
        return ast.Return(result, lineno=row + 1, col_offset=0)

    def parameters(self, params: Sequence[Parameter]) -> ast.arguments:
        plain: list[ast.arg] = []
        keyword_only: list[ast.arg] = []
        defaults: list[ast.expr] = []
        keyword_defaults: list[ast.expr | None] = []
        star: ast.arg | None = None
        double_star: ast.arg | None = None
        after_star = False
        for param in params:
            arg = ast.arg(_python_name(param.name), lineno=param.line + 1, col_offset=0)
            default = None if param.default is None else self.expression(param.default)
            if param.kind == "**":
                double_star = arg
            elif param.kind == "*":
                after_star = True
                star = arg if param.name else None
            elif after_star:
                keyword_only.append(arg)
                keyword_defaults.append(default)
            else:
                plain.append(arg)
                if default is not None:
                    defaults.append(default)
        return ast.arguments(
            posonlyargs=[],
            args=plain,
            vararg=star,
            kwonlyargs=keyword_only,
            kw_defaults=keyword_defaults,
            kwarg=double_star,
            defaults=defaults,
        )

    def load(self, statement: Load, out: list[ast.stmt]) -> None:
        row = statement.line
        names = _constant(row, tuple([name for _, name in statement.names]))
        values = self.guarded(row, ".load", _constant(row, statement.module), names)
        targets: list[ast.expr] = [_name(row, _python_name(local), _STORE) for local, _ in statement.names]
        target = ast.Tuple(targets, _STORE, lineno=row + 1, col_offset=0)
        out.append(ast.Assign([target], values, lineno=row + 1, col_offset=0))

    # -- expressions

    def expression(self, value: Expr) -> ast.expr:
        row = value.line
        place: dict[str, Any] = {"lineno": row + 1, "col_offset": 0}
        if isinstance(value, Name):
            if value.id in _CONSTANTS:
                return _constant(row, _CONSTANTS[value.id])
            return _name(row, value.id)
        if isinstance(value, Literal):
            return _constant(row, value.value)
        if isinstance(value, HookExpr):
            name = f".hook{len(self.hooks)}"
            self.hooks[name] = value.hook.call
            return _name(row, name)
        if isinstance(value, Call):
            return self.call(value)
        if isinstance(value, Binary):
            return self.binary(value)
        if isinstance(value, Unary):
            operand = self.expression(value.operand)
            if value.op == "()":
                return operand
            if value.op == "not":
                return ast.UnaryOp(ast.Not(), operand, **place)
            if (
                value.op == "-"
                and isinstance(operand, ast.Constant)
                and isinstance(operand.value, (int, float))
            ):
                return _constant(row, -operand.value)
            return self.guarded(row, _UNARY_OPERATIONS[value.op], operand)
        if isinstance(value, Dot):
            return self.guarded(row, ".get_attr", self.expression(value.value), _constant(row, value.name))
        if isinstance(value, Index):
            return self.guarded(row, ".get_index", self.expression(value.value), self.expression(value.index))
        if isinstance(value, Slice):
            bounds = [
                _constant(row, None) if bound is None else self.expression(bound)
                for bound in (value.low, value.high, value.step)
            ]
            return self.guarded(row, ".get_slice", self.expression(value.value), *bounds)
        if isinstance(value, ListExpr):
            return ast.List([self.expression(item) for item in value.items], _LOAD, **place)
        if isinstance(value, TupleExpr):
            return ast.Tuple([self.expression(item) for item in value.items], _LOAD, **place)
        if isinstance(value, DictExpr):
            return self.dict_display(value)
        if isinstance(value, Conditional):
            condition = self.expression(value.condition)
            return ast.IfExp(condition, self.expression(value.yes), self.expression(value.no), **place)
        if isinstance(value, Lambda):
            return ast.Lambda(self.parameters(value.params), self.expression(value.body), **place)
        assert isinstance(value, Comprehension)
        return self.comprehension(value)

    def binary(self, value: Binary) -> ast.expr:
        row = value.line
        left, right = self.expression(value.left), self.expression(value.right)
        if value.op in ("and", "or"):
            operator: ast.boolop = ast.And() if value.op == "and" else ast.Or()
            return ast.BoolOp(operator, [left, right], lineno=row + 1, col_offset=0)
        return self.guarded(row, _BINARY_OPERATIONS[value.op], left, right)

    def dict_display(self, value: DictExpr) -> ast.expr:
        row = value.line
        constant = [
            key.value for key, _ in value.entries if isinstance(key, Literal) and type(key.value) is str
        ]
        if len(constant) == len(value.entries) and len(set(constant)) == len(constant):
            keys: list[ast.expr | None] = [_constant(row, key) for key in constant]
            items = [self.expression(item) for _, item in value.entries]
            return ast.Dict(keys, items, lineno=row + 1, col_offset=0)
        parts = [self.expression(part) for entry in value.entries for part in entry]
        return self.guarded(row, ".dict_display", *parts)

    def call(self, value: Call) -> ast.expr:
        row = value.line
        args: list[ast.expr] = []
        keywords: list[ast.keyword] = []
        place: dict[str, Any] = {"lineno": row + 1, "col_offset": 0}
        for arg in value.args:
            item = self.expression(arg.value)
            if arg.kind == "*":
                args.append(ast.Starred(self.guarded(row, ".spread", item), _LOAD, **place))
            elif arg.kind == "**":
                keywords.append(ast.keyword(None, self.guarded(row, ".spread_names", item), **place))
            elif arg.kind == "=":
                keywords.append(ast.keyword(arg.name, item, **place))
            else:
                args.append(item)
        function = value.function
        if isinstance(function, HookExpr):
            return ast.Call(self.expression(function), args, keywords, **place)
        if isinstance(function, Dot):
            receiver = [self.expression(function.value), _constant(row, function.name)]
            return ast.Call(_name(row, ".invoke"), receiver + args, keywords, **place)
        return ast.Call(_name(row, ".call"), [self.expression(function), *args], keywords, **place)

    def comprehension(self, value: Comprehension) -> ast.expr:
        row = value.line
        generators: list[ast.comprehension] = []
        for clause in value.clauses:
            if isinstance(clause, ForClause):
                target, items = self.loop(clause.line, clause.target, clause.iterable, [])
                generators.append(ast.comprehension(target, items, [], 0))
            else:
                generators[-1].ifs.append(self.expression(clause.condition))
        body = self.expression(value.body)
        if value.value is None:
            return ast.ListComp(body, generators, lineno=row + 1, col_offset=0)
        key = self.guarded(row, ".key_of", body)
        return ast.DictComp(key, self.expression(value.value), generators, lineno=row + 1, col_offset=0)


def _name(row: int, name: str, context: ast.expr_context = _LOAD) -> ast.Name:
    return ast.Name(name, context, lineno=row + 1, col_offset=0)


def _constant(row: int, value: Any) -> ast.Constant:
    return ast.Constant(value, lineno=row + 1, col_offset=0)


def _python_name(name: str) -> str:
    """The name under which a binding is kept; Python would not let these three be assigned."""
    return f".{name}" if name in _CONSTANTS else name


def _unparenthesized(target: Expr) -> Expr:
    while isinstance(target, Unary) and target.op == "()":
        target = target.operand
    return target


def _shape(target: Expr) -> tuple[Any, ...] | None:
    """How a target takes its value apart: a tuple of shapes, or None for a single place."""
    target = _unparenthesized(target)
    if isinstance(target, (TupleExpr, ListExpr)):
        return tuple([_shape(item) for item in target.items])
    return None


def _first_line(statement: Def) -> int:
    return statement.body[0].line if statement.body else statement.line


def _is_user_call(value: Expr) -> bool:
    return isinstance(value, Call) and not isinstance(value.function, HookExpr)
