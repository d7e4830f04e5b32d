"""Whether a custom resource fulfils the schema of its kind. Recorded in vectors/kube/crd/validation.

The texts are those of the API server.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from lapstrake.apiserver.causes import (
    Cause,
    invalid,
    required,
    shown,
    too_long,
    too_many,
    unsupported,
)
from lapstrake.apiserver.schema import Schema
from lapstrake.apiserver.status import cause


def violations(schema: Schema, value: Any, path: str = "") -> Iterator[Cause]:
    """What of ``value``, which stands at ``path``, breaks the schema."""
    yield from _node(schema, value, path)


def _node(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    if value is None:
        if not schema.nullable and schema.type and path:
            yield _wrong_type(path, schema, "null")
        return
    if not _fits(schema, value):
        yield from _type_causes(schema, value, path)
        return
    yield from _restrictions(schema, value, path)
    yield from _composition(schema, value, path)
    if isinstance(value, Mapping):
        yield from _object(schema, value, path)
    elif isinstance(value, list):
        yield from _list(schema, value, path)


def json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    if value is None:
        return "null"
    return "array" if isinstance(value, list) else "object"


def _fits(schema: Schema, value: Any) -> bool:
    found = json_type(value)
    if schema.int_or_string:
        return found in ("integer", "string")
    if not schema.type or found == schema.type:
        return True
    whole = found == "number" and float(value).is_integer()
    return (schema.type == "number" and found == "integer") or (schema.type == "integer" and whole)


def _type_causes(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    found = json_type(value)
    if schema.type == "integer" and found == "number":
        text = f"Checked value must be of type integer (default format) in {path}"
        yield cause("FieldValueInvalid", "<nil>", f'Invalid value: "": {text}')
    yield _wrong_type(path, schema, found)


def _wrong_type(path: str, schema: Schema, found: str) -> Cause:
    expected = "integer,string" if schema.int_or_string else schema.type
    text = f'{path} in body must be of type {expected}: "{found}"'
    return cause("FieldValueTypeInvalid", path, f'Invalid value: "{found}": {text}')


def _object(schema: Schema, value: Mapping[str, Any], path: str) -> Iterator[Cause]:
    for key in schema.required:
        if key not in value:
            yield required(f"{path}.{key}" if path else key)
    if schema.composed and not schema.properties:
        return
    for key, member in value.items():
        child = schema.child(key)
        if child is not None:
            yield from _node(child, member, f"{path}.{key}" if path else key)


def _list(schema: Schema, value: list[Any], path: str) -> Iterator[Cause]:
    if schema.items is not None:
        for index, item in enumerate(value):
            yield from _node(schema.items, item, f"{path}[{index}]")
    if schema.list_type in ("set", "map"):
        yield from _unique(schema, value, path)


def _unique(schema: Schema, value: list[Any], path: str) -> Iterator[Cause]:
    seen: list[Any] = []
    for index, item in enumerate(value):
        identity = item
        if schema.list_type == "map":
            if not isinstance(item, Mapping):
                continue
            identity = {key: item.get(key) for key in schema.list_map_keys}
        if identity in seen:
            yield cause("FieldValueDuplicate", f"{path}[{index}]", f"Duplicate value: {shown(identity)}")
        seen.append(identity)


def _restrictions(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    rules = schema.rules
    if "enum" in rules and not any(
        value == option and type(value) is type(option) for option in rules["enum"]
    ):
        yield unsupported(path, value, rules["enum"])
    if isinstance(value, str):
        yield from _string(schema, value, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number(rules, value, path)
    elif isinstance(value, list):
        yield from _size(rules, len(value), path, "Items", "items")
        if rules.get("uniqueItems") and len({json.dumps(item, sort_keys=True) for item in value}) < len(
            value
        ):
            yield invalid(path, value, f"{path} in body shouldn't contain duplicates")
    elif isinstance(value, Mapping):
        yield from _size(rules, len(value), path, "Properties", "properties")


def _size(rules: Mapping[str, Any], count: int, path: str, keyword: str, word: str) -> Iterator[Cause]:
    most, least = rules.get(f"max{keyword}"), rules.get(f"min{keyword}")
    if most is not None and count > most:
        yield too_many(path, count, most)
    if least is not None and count < least:
        yield invalid(path, count, f"{path} in body should have at least {least} {word}")


def _string(schema: Schema, value: str, path: str) -> Iterator[Cause]:
    rules = schema.rules
    if "maxLength" in rules and len(value) > rules["maxLength"]:
        yield too_long(path, rules["maxLength"])
    if "minLength" in rules and len(value) < rules["minLength"]:
        yield invalid(path, value, f"{path} in body should be at least {rules['minLength']} chars long")
    pattern = rules.get("pattern")
    if pattern is not None and not _matches(pattern, value):
        yield invalid(path, value, f"{path} in body should match '{pattern}'")
    check = _FORMATS.get(schema.format)
    if check is not None and not check(value):
        yield invalid(path, value, f'{path} in body must be of type {schema.format}: "{value}"')


_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "lower": "a-z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": "A-Z",
    "word": r"\w",
    "xdigit": "0-9A-Fa-f",
}
_PATTERN_PART = re.compile(r"\\.|\[:(\w+):\]|\[\^?\]?|\]|\$", re.DOTALL)


def python_pattern(pattern: str) -> str:
    """A pattern of the server's dialect (RE2) in Python's: ``$`` and ``\\z`` mean the very end of the text."""
    inside = False

    def translated(match: re.Match[str]) -> str:
        nonlocal inside
        part = match[0]
        if part == r"\z":
            return r"\Z"
        if match[1] and inside:
            return _CLASSES.get(match[1], part)
        if part.startswith("[") and not inside:
            inside = True
        elif part == "]":
            inside = False
        elif part == "$" and not inside and not pattern.startswith("(?m"):
            return r"\Z"
        return part

    return _PATTERN_PART.sub(translated, pattern)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(python_pattern(pattern))
    except re.error:
        return None


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    return compiled is None or compiled.search(value) is not None


def _number(rules: Mapping[str, Any], value: int | float, path: str) -> Iterator[Cause]:
    least, most = rules.get("minimum"), rules.get("maximum")
    if least is not None:
        if rules.get("exclusiveMinimum") and value <= least:
            yield invalid(path, value, f"{path} in body should be greater than {_plain(least)}")
        elif value < least:
            yield invalid(path, value, f"{path} in body should be greater than or equal to {_plain(least)}")
    if most is not None:
        if rules.get("exclusiveMaximum") and value >= most:
            yield invalid(path, value, f"{path} in body should be less than {_plain(most)}")
        elif value > most:
            yield invalid(path, value, f"{path} in body should be less than or equal to {_plain(most)}")
    factor = rules.get("multipleOf")
    if factor and value % factor:
        yield invalid(path, value, f"{path} in body should be a multiple of {_plain(factor)}")


def _plain(number: int | float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)


def _composition(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    rules = schema.rules
    for part in rules.get("allOf", ()):
        yield from _node(part, value, path)
    if "anyOf" in rules and not any(_valid(part, value, path) for part in rules["anyOf"]):
        yield invalid(path, "", f"{_quoted(path)} must validate at least one schema (anyOf)")
    if "oneOf" in rules:
        count = sum(1 for part in rules["oneOf"] if _valid(part, value, path))
        if count != 1:
            found = "Found none valid" if not count else f"Found {count} valid alternatives"
            yield invalid(path, "", f"{_quoted(path)} must validate one and only one schema (oneOf). {found}")
    if "not" in rules and _valid(rules["not"], value, path):
        yield invalid(path, "", f"{_quoted(path)} must not validate the schema (not)")


def _quoted(path: str) -> str:
    return json.dumps(path)


def _valid(schema: Schema, value: Any, path: str) -> bool:
    return next(_node(schema, value, path), None) is None


def _date_time(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d.*", text) is not None and _reads(
        lambda: datetime.fromisoformat(text.upper())
    )


def _reads(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (ValueError, binascii.Error):
        return False
    return True


_FORMATS: Mapping[str, Callable[[str], bool]] = {
    "date-time": _date_time,
    "date": lambda text: _reads(lambda: date.fromisoformat(text)),
    "byte": lambda text: _reads(lambda: base64.b64decode(text, validate=True)),
    "ipv4": lambda text: _reads(lambda: ipaddress.IPv4Address(text)),
    "ipv6": lambda text: _reads(lambda: ipaddress.IPv6Address(text)),
    "cidr": lambda text: _reads(lambda: ipaddress.ip_interface(text)) and "/" in text,
    "uuid": lambda text: re.fullmatch("(?i)[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", text) is not None,
    "email": lambda text: re.fullmatch(r"[^@\s]+@[^@\s]+", text) is not None,
    "duration": lambda text: re.fullmatch(r"[-+]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+|0", text) is not None,
}
