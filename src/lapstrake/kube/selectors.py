"""Label selectors: the text form of ``-l`` and of the API, and the object form of ``spec.selector``.

Grammar as the API server reads it: comma-separated requirements ``a``, ``!a``, ``a=b``, ``a==b``, ``a!=b``,
``a in (x,y)``, ``a notin (x,y)``, ``a>1``, ``a<1``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lapstrake.errors import InputError

_TOKEN = re.compile(r"\s*(==|!=|=|!|<|>|\(|\)|,|[^\s=!<>(),]+)")
_SIGNS = "=!<>(),"


@dataclass(frozen=True, slots=True)
class Requirement:
    """``operator``: exists, absent, in, notin, greater, less."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "exists":
                return value is not None
            case "absent":
                return value is None
            case "in":
                return value is not None and value in self.values
            case "notin":
                return value is None or value not in self.values
            case _:
                return value is not None and _compares(value, self.operator, self.values[0])


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements must hold; none at all selects everything."""

    requirements: tuple[Requirement, ...] = ()

    @classmethod
    def parse(cls, text: str) -> LabelSelector:
        """Raises InputError for what the API server would refuse, in its words."""
        return cls(tuple(_Reader(text).requirements())) if text.strip() else cls()

    @classmethod
    def of(cls, selector: Mapping[str, Any]) -> LabelSelector:
        """From the object form: matchLabels and matchExpressions."""
        found = [
            Requirement(key, "in", (str(value),))
            for key, value in (selector.get("matchLabels") or {}).items()
        ]
        operators = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}
        for entry in selector.get("matchExpressions") or ():
            operator = operators.get(entry.get("operator"))
            if operator is None:
                raise InputError(f"{entry.get('operator')!r} is not a valid label selector operator")
            found.append(Requirement(entry["key"], operator, tuple(entry.get("values") or ())))
        return cls(tuple(found))

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        return all(requirement.matches(labels or {}) for requirement in self.requirements)


def equals(labels: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """The text form that asks for these labels: ``a=b,c=d``."""
    pairs = labels.items() if isinstance(labels, Mapping) else labels
    return ",".join(f"{key}={value}" for key, value in pairs)


class _Reader:
    """One pass over the tokens of a selector's text."""

    def __init__(self, text: str) -> None:
        self._tokens = [match.group(1) for match in _TOKEN.finditer(text)]
        self._at = 0

    def requirements(self) -> list[Requirement]:
        found = [self._parsed()]
        while (token := self._next()) != "":
            if token != ",":
                raise _unexpected(token, "',' or 'end of string'")
            found.append(self._parsed())
        return found

    def _parsed(self) -> Requirement:
        try:
            return self._requirement()
        except InputError as error:
            raise InputError(f"unable to parse requirement: {error}") from None

    def _requirement(self) -> Requirement:
        token = self._next()
        if token == "!":
            return Requirement(self._key(self._next()), "absent")
        key = self._key(token)
        operator = self._peek()
        if operator in ("", ","):
            return Requirement(key, "exists")
        self._next()
        if operator in ("=", "==", "!="):
            return Requirement(key, "notin" if operator == "!=" else "in", (self._value(),))
        if operator in ("in", "notin"):
            return Requirement(key, operator, self._values())
        if operator in ("<", ">"):
            return Requirement(key, "greater" if operator == ">" else "less", (self._bound(),))
        raise _unexpected(operator, "in, notin, =, ==, !=, gt, lt")

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _key(self, token: str) -> str:
        if not token or token in _SIGNS:
            raise _unexpected(token, "'identifier'" if token else "!, identifier, or 'end of string'")
        return token

    def _value(self) -> str:
        token = self._peek()
        if token in ("", ","):
            return ""
        if token in ("==", "!=") or token in _SIGNS:
            raise _unexpected(token, "identifier")
        return self._next()

    def _bound(self) -> str:
        value = self._value()
        try:
            int(value)
        except ValueError:
            raise InputError("for 'Gt', 'Lt' operators, the value must be an integer") from None
        return value

    def _values(self) -> tuple[str, ...]:
        if (token := self._next()) != "(":
            raise _unexpected(token, "'('")
        values = []
        while (token := self._next()) != ")":
            if token == "":
                raise _unexpected("", "',', or ')'")
            if token != ",":
                values.append(token)
        return tuple(values or [""])


def _unexpected(found: str, expected: str) -> InputError:
    return InputError(f"found '{found}', expected: {expected}")


def _compares(value: str, operator: str, bound: str) -> bool:
    try:
        left, right = int(value), int(bound)
    except ValueError:
        return False
    return left > right if operator == "greater" else left < right
