"""The causes of a refusal, in the API's words: each names a field and says what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from lapstrake.apiserver.status import cause

Cause = dict[str, str]


def shown(value: Any) -> str:
    """A value as messages print it: JSON, nothing escaped that need not be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def required(field: str, text: str = "") -> Cause:
    return cause("FieldValueRequired", field, f"Required value: {text}" if text else "Required value")


def invalid(field: str, value: Any, text: str) -> Cause:
    return cause("FieldValueInvalid", field, f"Invalid value: {shown(value)}: {text}")


def unsupported(field: str, value: Any, supported: Iterable[Any]) -> Cause:
    listed = ", ".join(shown(option) for option in supported)
    text = f"Unsupported value: {shown(value)}: supported values: {listed}"
    return cause("FieldValueNotSupported", field, text)


def duplicate(field: str, value: Any) -> Cause:
    return cause("FieldValueDuplicate", field, f"Duplicate value: {shown(value)}")


def forbidden(field: str, text: str) -> Cause:
    return cause("FieldValueForbidden", field, f"Forbidden: {text}")


def not_found(field: str, value: Any) -> Cause:
    return cause("FieldValueNotFound", field, f"Not found: {shown(value)}")


def too_long(field: str, limit: int) -> Cause:
    return cause("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")


def too_many(field: str, count: int, limit: int) -> Cause:
    return cause("FieldValueTooMany", field, f"Too many: {count}: must have at most {limit} items")


def choice(field: str, value: Any, supported: Sequence[Any]) -> list[Cause]:
    """Empty if the value is one of those supported."""
    return [] if value in supported else [unsupported(field, value, supported)]


def at_least(field: str, value: Any, least: int = 0) -> list[Cause]:
    if isinstance(value, int) and value < least:
        return [invalid(field, value, f"must be greater than or equal to {least}")]
    return []


IMMUTABLE = "field is immutable"


def unchanged(field: str, new: Any, old: Any) -> list[Cause]:
    return [] if new == old else [invalid(field, new, IMMUTABLE)]
