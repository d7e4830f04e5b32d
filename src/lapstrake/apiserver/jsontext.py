"""JSON texts: refusals in the words of the server's decoder, and values as its messages print them."""

from __future__ import annotations

import json
from typing import Any

import orjson

END = "unexpected end of JSON input"

_CONTEXTS = {
    "Expecting value": "looking for beginning of value",
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Expecting ':' delimiter": "after object key",
    "Extra data": "after top-level value",
}


class JsonError(ValueError):
    """The text is no JSON; the message is what the server would say about it."""


def parse(body: bytes) -> Any:
    """The document; raises :class:`JsonError`."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise JsonError(_complaint(body)) from None
    except RecursionError:
        raise JsonError("exceeded max depth") from None


def is_deeper(value: Any, levels: int) -> bool:
    """Whether maps and lists are nested in each other more than ``levels`` deep."""
    level = [value]
    for _ in range(levels):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _complaint(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return _words(text, error)
    except RecursionError:
        return "exceeded max depth"
    return "invalid character '\\ufffd' looking for beginning of value"


def _words(text: str, error: json.JSONDecodeError) -> str:
    unfinished = error.msg.startswith("Unterminated string")
    if unfinished or not text[error.pos :].strip():
        return END
    sign = text[error.pos :].lstrip()[0]
    if error.msg.startswith("Expecting ','"):
        opened = text[: error.pos]
        in_list = opened.rfind("[") > opened.rfind("{")
        context = "after array element" if in_list else "after object key:value pair"
    else:
        context = _CONTEXTS.get(error.msg, "looking for beginning of value")
    return f"invalid character '{sign}' {context}"


def type_word(value: Any) -> str:
    """The kind of JSON value, as decoding errors name it."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    if value is None:
        return "null"
    return "array" if isinstance(value, list) else "object"


def go_value(value: Any) -> str:
    """A decoded value as Go prints it: ``map[a:1 b:[x y]]``, keys sorted."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_value(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(go_value(item) for item in value) + "]"
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def quoted(value: Any) -> str:
    """A value as causes of refusals show it: JSON, with strings quoted and keys as they stand."""
    return orjson.dumps(value).decode()
