"""The rules that a custom kind states as expressions (``x-kubernetes-validations``).

A rule that mentions ``oldSelf`` counts only on updates of a value that was there before. Rules beyond the small
expression language are left alone. Recorded in vectors/kube/crd/cel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from lapstrake.apiserver import expressions
from lapstrake.apiserver.causes import Cause, shown
from lapstrake.apiserver.field_sets import element_key
from lapstrake.apiserver.schema import MISSING, Schema
from lapstrake.apiserver.status import cause

_RULES = "x-kubernetes-validations"

UNCHECKED = (
    "some validation rules were not checked because the object was invalid; correct the existing errors to "
    "complete validation"
)


def violations(schema: Schema, value: Any, old: Any = MISSING, path: str = "") -> Iterator[Cause]:
    """The rules of the value and of everything below it that do not hold."""
    if value is None:
        return
    for rule in schema.rules.get(_RULES, ()):
        yield from _broken(rule, value, old, path)
    if isinstance(value, Mapping):
        before = old if isinstance(old, Mapping) else {}
        for key, member in value.items():
            child = schema.child(key)
            if child is not None:
                where = f"{path}.{key}" if path else key
                yield from violations(child, member, before.get(key, MISSING), where)
    elif isinstance(value, list) and schema.items is not None:
        olds: dict[str, Any] = {}
        if schema.list_type == "map" and isinstance(old, list):
            olds = {element_key(schema, item): item for item in old}
        for index, item in enumerate(value):
            was = olds.get(element_key(schema, item), MISSING) if olds else MISSING
            yield from violations(schema.items, item, was, f"{path}[{index}]")


@lru_cache(maxsize=512)
def has_rules(schema: Schema) -> bool:
    """Whether a schema, or one below it, states any rule at all."""
    if schema.rules.get(_RULES):
        return True
    below = [*schema.properties.values(), schema.items, schema.additional]
    return any(has_rules(child) for child in below if child is not None)


def _broken(rule: Mapping[str, Any], value: Any, old: Any, path: str) -> Iterator[Cause]:
    text = rule.get("rule", "")
    scope = {"self": value}
    try:
        if "oldSelf" in expressions.names(expressions.read(text)):
            if old is MISSING:
                return
            scope["oldSelf"] = old
        if expressions.evaluate(text, **scope) is not False:
            return
        message = _message(rule, scope)
    except expressions.ExpressionError:
        return
    field = f"{path}{rule['fieldPath']}" if rule.get("fieldPath") else path
    yield cause(rule.get("reason") or "FieldValueInvalid", field or "<nil>", _refusal(rule, value, message))


def _message(rule: Mapping[str, Any], scope: Mapping[str, Any]) -> str:
    if rule.get("messageExpression"):
        found = expressions.evaluate(rule["messageExpression"], **scope)
        if isinstance(found, str) and found.strip():
            return found
    return str(rule.get("message") or f"failed rule: {rule['rule'].strip()}")


def _refusal(rule: Mapping[str, Any], value: Any, message: str) -> str:
    word = {
        "FieldValueForbidden": "Forbidden",
        "FieldValueRequired": "Required value",
        "FieldValueDuplicate": "Duplicate value",
    }.get(rule.get("reason", ""), "Invalid value")
    if word == "Invalid value" and not isinstance(value, Mapping | list):
        return f"{word}: {shown(value)}: {message}"
    return f"{word}: {message}"
