"""Label and field selectors: from their text to a test of one object.

Grammar and error texts as of Kubernetes 1.36 (vectors kube/list, kube/get).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lapstrake.apiserver import status

Test = Callable[[Mapping[str, Any]], bool]

_LABEL_TOKEN = re.compile(r"\s*(==|!=|=|!|<|>|\(|\)|,|[^\s=!<>(),]+)")


def labels_match(text: str) -> Test | None:
    """A test of an object by its labels; None if everything matches. Raises a refusal (400)."""
    if not text.strip():
        return None
    tests = _LabelSelector(text).requirements()

    def test(obj: Mapping[str, Any]) -> bool:
        labels = obj["metadata"].get("labels") or {}
        return all(requirement(labels) for requirement in tests)

    return test


class _LabelSelector:
    """One pass over the tokens of a label selector."""

    def __init__(self, text: str) -> None:
        self._tokens = [match.group(1) for match in _LABEL_TOKEN.finditer(text)]
        self._at = 0

    def _next(self) -> str:
        token = self._tokens[self._at] if self._at < len(self._tokens) else ""
        self._at += 1
        return token

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def requirements(self) -> list[Test]:
        tests = [self._parsed()]
        while (token := self._next()) != "":
            if token != ",":
                raise _unexpected(token, "',' or 'end of string'")
            tests.append(self._parsed())
        return tests

    def _parsed(self) -> Test:
        try:
            return self._requirement()
        except status.ApiError as refusal:
            raise status.bad_request(f"unable to parse requirement: {refusal}") from None

    def _requirement(self) -> Test:
        token = self._next()
        if token == "!":
            key = self._key(self._next())
            return lambda labels: key not in labels
        key = self._key(token)
        operator = self._peek()
        if operator in ("", ","):
            return lambda labels: key in labels
        self._next()
        if operator in ("=", "=="):
            value = self._value()
            return lambda labels: labels.get(key) == value
        if operator == "!=":
            value = self._value()
            return lambda labels: labels.get(key) != value
        if operator in ("in", "notin"):
            values = self._values()
            wanted = operator == "in"
            if wanted:
                return lambda labels: labels.get(key) in values
            return lambda labels: key not in labels or labels[key] not in values
        if operator in ("<", ">"):
            return self._compared(key, operator)
        raise _unexpected(operator, "in, notin, =, ==, !=, gt, lt")

    def _compared(self, key: str, operator: str) -> Test:
        try:
            bound = int(self._value())
        except ValueError:
            raise status.bad_request("for 'Gt', 'Lt' operators, the value must be an integer") from None

        def test(labels: Mapping[str, Any]) -> bool:
            try:
                number = int(labels[key])
            except (KeyError, ValueError):
                return False
            return number > bound if operator == ">" else number < bound

        return test

    def _key(self, token: str) -> str:
        if not token or token in "=!<>(),":
            raise _unexpected(token, "!, identifier, or 'end of string'" if not token else "'identifier'")
        return token

    def _value(self) -> str:
        token = self._peek()
        if token in ("", ","):
            return ""
        if token in ("=", "==", "!=", "(", ")", "!", "<", ">"):
            raise _unexpected(token, "identifier")
        return self._next()

    def _values(self) -> frozenset[str]:
        if (token := self._next()) != "(":
            raise _unexpected(token, "'('")
        values = []
        while (token := self._next()) != ")":
            if token == "":
                raise _unexpected("", "',', or ')'")
            if token != ",":
                values.append(token)
        return frozenset(values or [""])


def _unexpected(found: str, expected: str) -> status.ApiError:
    return status.bad_request(f"found '{found}', expected: {expected}")


Reader = Callable[[Mapping[str, Any]], str]


def parse_fields(text: str) -> list[tuple[str, str, bool]]:
    """The requirements of a field selector: (field, value, equal). Raises a refusal (400)."""
    found = []
    for term in filter(None, _split_terms(text)):
        for operator, equal in (("!=", False), ("==", True), ("=", True)):
            name, mark, value = term.partition(operator)
            if mark:
                found.append((name, _unescaped(value), equal))
                break
        else:
            raise status.bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
    return found


def fields_match(text: str, readers: Mapping[str, Reader], unsupported: Callable[[str], str]) -> Test | None:
    """A test of an object by its fields; None if everything matches.

    ``readers`` gives each selectable field's value as text; ``unsupported`` words the refusal of another field.
    """
    terms = parse_fields(text)
    if not terms:
        return None
    tests = []
    for name, value, equal in terms:
        if name not in readers:
            raise status.bad_request(unsupported(name))
        tests.append((readers[name], value, equal))

    def test(obj: Mapping[str, Any]) -> bool:
        return all((read(obj) == value) is equal for read, value, equal in tests)

    return test


def _split_terms(text: str) -> Iterable[str]:
    return re.split(r"(?<!\\),", text)


def _unescaped(value: str) -> str:
    return re.sub(r"\\([\\,=])", r"\1", value)


def reader(path: str) -> Reader:
    """The value at a dotted path (``.spec.nodeName``), empty where there is none."""
    steps = [step for step in path.split(".") if step]

    def read(obj: Mapping[str, Any]) -> str:
        value: Any = obj
        for step in steps:
            if not isinstance(value, Mapping):
                return ""
            value = value.get(step)
        if isinstance(value, bool):
            return "true" if value else "false"
        return "" if value is None or isinstance(value, (dict, list)) else str(value)

    return read
