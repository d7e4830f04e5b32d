"""Label and field selectors: from their text to a test of one object.

Grammar and error texts as of Kubernetes 1.36 (vectors kube/list, kube/get).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lapstrake.apiserver import status
from lapstrake.errors import InputError
from lapstrake.kube.selectors import LabelSelector

Test = Callable[[Mapping[str, Any]], bool]


def labels_match(text: str) -> Test | None:
    """A test of an object by its labels; None if everything matches. Raises a refusal (400)."""
    try:
        selector = LabelSelector.parse(text)
    except InputError as error:
        raise status.bad_request(str(error)) from None
    if not selector.requirements:
        return None
    return lambda obj: selector.matches(obj["metadata"].get("labels"))


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
