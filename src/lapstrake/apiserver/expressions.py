"""A small part of the Common Expression Language: what the rules of custom kinds are mostly written in.

``self.min <= self.max``, ``self == oldSelf``, ``has(self.x) ? size(self.x) > 0 : true``,
``self.all(i, i.name.startsWith('a'))``. Grammar: the language definition at cel.dev; what is not known here
raises :class:`ExpressionError`, and the caller decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

Node = tuple[Any, ...]
Scope = Mapping[str, Any]

_MOST_STEPS = 100_000
_DEEPEST = 50
_LONGEST_TEXT = 1_000_000

_TOKEN = re.compile(
    r"""
    \s*(?:
      (?P<number>\d+\.\d+(?:[eE][+-]?\d+)?|0x[0-9a-fA-F]+u?|\d+u?)
    | (?P<raw>[rR](?:'[^']*'|"[^"]*"))
    | (?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>\|\||&&|==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{}])
    )
    """,
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_FIELD_NAMES = {"__underscores__": "__", "__dot__": ".", "__dash__": "-", "__slash__": "/"}
_RELATIONS = ("==", "!=", "<=", ">=", "<", ">", "in")


class ExpressionError(ValueError):
    """The expression cannot be read, is beyond this part of the language, or fails on its values."""


class _Reader:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        found = self.expression()
        if self._peek() != ("end", ""):
            raise ExpressionError(f"unexpected {self._peek()[1]!r}")
        return found

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def _take(self, *signs: str) -> str:
        """The next token if it is one of these, else nothing."""
        kind, text = self._peek()
        if kind in ("sign", "name") and text in signs:
            self._at += 1
            return text
        return ""

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise ExpressionError(f"expected {sign!r}, found {self._peek()[1]!r}")

    def expression(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ExpressionError("the expression is nested too deeply")
        found = self._either()
        if self._take("?"):
            yes = self.expression()
            self._need(":")
            found = ("if", found, yes, self.expression())
        self._depth -= 1
        return found

    def _either(self) -> Node:
        found = self._both()
        while self._take("||"):
            found = ("or", found, self._both())
        return found

    def _both(self) -> Node:
        found = self._relation()
        while self._take("&&"):
            found = ("and", found, self._relation())
        return found

    def _relation(self) -> Node:
        found = self._sum()
        while sign := self._take(*_RELATIONS):
            found = ("binary", sign, found, self._sum())
        return found

    def _sum(self) -> Node:
        found = self._product()
        while sign := self._take("+", "-"):
            found = ("binary", sign, found, self._product())
        return found

    def _product(self) -> Node:
        found = self._unary()
        while sign := self._take("*", "/", "%"):
            found = ("binary", sign, found, self._unary())
        return found

    def _unary(self) -> Node:
        if self._take("!"):
            return ("not", self._unary())
        if self._take("-"):
            return ("negative", self._unary())
        return self._member()

    def _member(self) -> Node:
        found = self._primary()
        while sign := self._take(".", "["):
            if sign == "[":
                found = ("index", found, self.expression())
                self._need("]")
                continue
            kind, name = self._peek()
            if kind != "name":
                raise ExpressionError(f"expected a name, found {name!r}")
            self._at += 1
            found = ("method", found, name, self._arguments()) if self._take("(") else ("field", found, name)
        return found

    def _arguments(self, end: str = ")") -> tuple[Node, ...]:
        found: list[Node] = []
        while not self._take(end):
            found.append(self.expression())
            if not self._take(","):
                self._need(end)
                break
        return tuple(found)

    def _primary(self) -> Node:
        kind, text = self._peek()
        self._at += 1
        if kind == "value":
            return ("value", self._tokens[self._at - 1][1])
        if kind == "name":
            if text in ("true", "false", "null"):
                return ("value", {"true": True, "false": False, "null": None}[text])
            return ("call", text, self._arguments()) if self._take("(") else ("name", text)
        if text == "(":
            found = self.expression()
            self._need(")")
            return found
        if text == "[":
            return ("list", self._arguments("]"))
        raise ExpressionError(f"unexpected {text!r}")


def _tokens(text: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"cannot read {text[at:]!r}")
        at = match.end()
        kind = match.lastgroup or ""
        word = match[kind]
        if kind == "number":
            found.append(("value", _number(word)))
        elif kind in ("raw", "string"):
            found.append(("value", word[2:-1] if kind == "raw" else _unescaped(word[1:-1])))
        else:
            found.append((kind, word))
    found.append(("end", ""))
    return found


def _number(word: str) -> int | float:
    word = word.removesuffix("u")
    return float(word) if "." in word else int(word, 0)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), text)


@lru_cache(maxsize=512)
def read(text: str) -> Node:
    """The expression as a tree; raises :class:`ExpressionError`."""
    return _Reader(text).whole()


def names(node: Any) -> frozenset[str]:
    """The free names that a tree mentions, those of its own loops included."""
    if not isinstance(node, tuple):
        return frozenset()
    own = frozenset((node[1],)) if node[:1] == ("name",) else frozenset()
    return own.union(*(names(part) for part in node), frozenset())


def evaluate(text: str, **values: Any) -> Any:
    """The value of an expression; raises :class:`ExpressionError`."""
    evaluation = _Evaluation()
    try:
        return evaluation.of(read(text), values)
    except (
        TypeError,
        KeyError,
        IndexError,
        ZeroDivisionError,
        AttributeError,
        re.error,
        OverflowError,
    ) as error:
        raise ExpressionError(str(error)) from error


class _Evaluation:
    """One run; it counts its steps, because rules come from strangers."""

    def __init__(self) -> None:
        self._steps = 0

    def of(self, node: Node, scope: Scope) -> Any:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise ExpressionError("the expression takes too long")
        kind = node[0]
        if kind == "value":
            return node[1]
        if kind == "name":
            return self._name(node[1], scope)
        if kind == "if":
            return self.of(node[2] if self._truth(node[1], scope) else node[3], scope)
        if kind in ("and", "or"):
            return self._logic(kind, node, scope)
        if kind == "not":
            return not self._truth(node[1], scope)
        if kind == "negative":
            return -self.of(node[1], scope)
        if kind == "list":
            return [self.of(item, scope) for item in node[1]]
        if kind == "field":
            return self.of(node[1], scope)[_field_name(node[2])]
        if kind == "index":
            return self.of(node[1], scope)[self.of(node[2], scope)]
        if kind == "binary":
            return _binary(node[1], self.of(node[2], scope), self.of(node[3], scope))
        if kind == "call":
            return self._call(node[1], node[2], scope)
        return self._method(node, scope)

    def _name(self, name: str, scope: Scope) -> Any:
        if name not in scope:
            raise ExpressionError(f"undeclared reference to {name!r}")
        return scope[name]

    def _truth(self, node: Node, scope: Scope) -> bool:
        found = self.of(node, scope)
        if not isinstance(found, bool):
            raise ExpressionError("no matching overload")
        return found

    def _logic(self, kind: str, node: Node, scope: Scope) -> bool:
        """Either side may fail if the other one decides."""
        decided = kind == "or"
        try:
            if self._truth(node[1], scope) is decided:
                return decided
        except (ExpressionError, KeyError, TypeError, IndexError):
            if self._truth(node[2], scope) is decided:
                return decided
            raise
        return self._truth(node[2], scope)

    def _call(self, name: str, arguments: Sequence[Node], scope: Scope) -> Any:
        if name == "has":
            return self._has(arguments, scope)
        function = _FUNCTIONS.get(name)
        if function is None:
            raise ExpressionError(f"undeclared reference to {name!r}")
        return function(*(self.of(argument, scope) for argument in arguments))

    def _has(self, arguments: Sequence[Node], scope: Scope) -> bool:
        if len(arguments) != 1 or arguments[0][0] != "field":
            raise ExpressionError("invalid argument to has() macro")
        holder = self.of(arguments[0][1], scope)
        return isinstance(holder, Mapping) and _field_name(arguments[0][2]) in holder

    def _method(self, node: Node, scope: Scope) -> Any:
        _, target, name, arguments = node
        value = self.of(target, scope)
        if name in _LOOPS and arguments and arguments[0][0] == "name":
            return self._loop(name, value, arguments, scope)
        method = _METHODS.get(name)
        if method is None:
            raise ExpressionError(f"undeclared reference to {name!r}")
        return method(value, *(self.of(argument, scope) for argument in arguments))

    def _loop(self, name: str, value: Any, arguments: Sequence[Node], scope: Scope) -> Any:
        variable, body = arguments[0][1], arguments[-1]
        items = list(value)

        def each(node: Node) -> list[Any]:
            return [self.of(node, {**scope, variable: item}) for item in items]

        if name == "map" and len(arguments) == 3:
            chosen = [item for item, keep in zip(items, each(arguments[1]), strict=True) if keep]
            return [self.of(body, {**scope, variable: item}) for item in chosen]
        found = each(body)
        if name == "map":
            return found
        if name == "filter":
            return [item for item, keep in zip(items, found, strict=True) if keep]
        if name == "exists_one":
            return found.count(True) == 1
        return all(found) if name == "all" else any(found)


_LOOPS = frozenset(("all", "exists", "exists_one", "map", "filter"))


def _field_name(name: str) -> str:
    for written, sign in _FIELD_NAMES.items():
        name = name.replace(written, sign)
    return name


def _binary(sign: str, left: Any, right: Any) -> Any:
    if sign in ("==", "!="):
        same = left == right and isinstance(left, bool) == isinstance(right, bool)
        return same == (sign == "==")
    if sign == "in":
        return left in right
    if sign == "/":
        if isinstance(left, int) and isinstance(right, int):
            return int(left / right) if abs(left) < 2**53 else left // right
        return left / right
    operation = _OPERATIONS[sign]
    return operation(left, right)


def _replaced(text: str, old: str, new: str) -> str:
    if len(text) * max(1, len(new)) > _LONGEST_TEXT:
        raise ExpressionError("the text becomes too long")
    return text.replace(old, new)


def _joined(items: Sequence[str], separator: str = "") -> str:
    if sum(map(len, items)) + len(items) * len(separator) > _LONGEST_TEXT:
        raise ExpressionError("the text becomes too long")
    return separator.join(items)


def _added(left: Any, right: Any) -> Any:
    if isinstance(left, str | list) and len(left) + len(right) > _LONGEST_TEXT:
        raise ExpressionError("the text becomes too long")
    return left + right


_OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": _added,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right if not isinstance(left, str | list) else _no_overload(),
    "%": lambda left, right: left % right if not isinstance(left, str) else _no_overload(),
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _no_overload() -> Any:
    raise ExpressionError("no matching overload")


def _matches(text: str, pattern: str) -> bool:
    return re.search(pattern, text) is not None


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "size": len,
    "int": int,
    "double": float,
    "string": lambda value: str(value).lower() if isinstance(value, bool) else str(value),
    "matches": _matches,
    "dyn": lambda value: value,
}

_METHODS: Mapping[str, Callable[..., Any]] = {
    "size": len,
    "startsWith": lambda text, start: text.startswith(start),
    "endsWith": lambda text, end: text.endswith(end),
    "contains": lambda text, part: part in text,
    "matches": _matches,
    "lowerAscii": lambda text: text.lower(),
    "upperAscii": lambda text: text.upper(),
    "trim": lambda text: text.strip(),
    "split": lambda text, separator: text.split(separator),
    "replace": _replaced,
    "indexOf": lambda value, part: value.find(part) if isinstance(value, str) else value.index(part),
    "substring": lambda text, start, end=None: text[start:end],
    "join": _joined,
    "sum": sum,
    "min": min,
    "max": max,
    "isSorted": lambda items: list(items) == sorted(items),
}
