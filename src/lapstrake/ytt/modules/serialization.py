"""``@ytt:json``, ``@ytt:yaml`` and ``@ytt:toml``."""

from __future__ import annotations

import re

from lapstrake.starlark.errors import EvalError
from lapstrake.yamldoc.gojson import dumps
from lapstrake.yamldoc.nodes import DocumentSet, without_shadowed_items
from lapstrake.yamldoc.parser import parse
from lapstrake.yamldoc.plain import to_plain
from lapstrake.yamldoc.printer import print_documents, print_value
from lapstrake.ytt.fragment import native_of, to_tree
from lapstrake.ytt.modules.function import a_flag, a_string, an_int, exactly, known_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.ytt.evaluation import Run


def yaml_members(host: Run) -> dict[str, Any]:
    return {"encode": _yaml_encode, "decode": _yaml_decode}


def _yaml_encode(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    (value,) = exactly(args, 1)
    tree = to_tree(value)
    return "" if tree is None else yaml_text(tree)


def yaml_text(tree: Any) -> str:
    """A value of a tree, or all documents of a set, as YAML."""
    return print_documents(tree) if type(tree) is DocumentSet else print_value(tree)


def _yaml_decode(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    (value,) = exactly(args, 1)
    docset = parse(a_string(value), "", comments=False)
    if len(docset.items) > 1:
        raise EvalError("Expected to find exactly one YAML document")
    if not docset.items:
        return None
    return native_of(without_shadowed_items(docset.items[0].value))


def json_members(host: Run) -> dict[str, Any]:
    return {"encode": _json_encode, "decode": _json_decode}


def _json_encode(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    (value,) = exactly(args, 1)
    known_names(kwargs, "indent", "escape_html")
    indent = an_int(kwargs.get("indent", 0))
    if not 0 <= indent <= 8:
        raise EvalError("indent value must be between 0 and 8")
    tree = to_tree(value)
    plain = [to_plain(item.value) for item in tree.items] if type(tree) is DocumentSet else to_plain(tree)
    html_escape = a_flag(kwargs, "escape_html", True)
    try:
        return dumps(plain, html_escape=html_escape, indent=" " * indent)
    except ValueError as error:
        raise EvalError(str(error)) from None


def _json_decode(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    import json

    (value,) = exactly(args, 1)
    text = a_string(value)
    try:
        decoded = json.loads(text, parse_int=float, parse_constant=_refuse_constant)
    except RecursionError:
        raise EvalError("exceeded max depth") from None
    except ValueError as error:
        raise EvalError(_json_problem(text, error)) from None
    return _sorted(decoded)


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _json_problem(text: str, error: ValueError) -> str:
    """Go's words for what stops the decoder."""
    at = getattr(error, "pos", 0)
    message = getattr(error, "msg", "")
    if at >= len(text) or "Unterminated" in message:
        return "unexpected end of JSON input"
    char = text[at]
    shown = "'\\''" if char == "'" else f"'{char}'"
    if "property name" in message:
        return f"invalid character {shown} looking for beginning of object key string"
    if "delimiter" in message:
        where = (
            "after object key:value pair"
            if "','" in message and text.lstrip()[:1] == "{"
            else "after array element"
        )
        where = "after object key" if "':'" in message else where
        return f"invalid character {shown} {where}"
    if "Extra data" in message:
        return f"invalid character {shown} after top-level value"
    return f"invalid character {shown} looking for beginning of value"


def _sorted(value: Any) -> Any:
    if type(value) is dict:
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if type(value) is list else value


def toml_members(host: Run) -> dict[str, Any]:
    return {"encode": _toml_encode, "decode": _toml_decode}


def _toml_decode(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    import tomllib

    (value,) = exactly(args, 1)
    text = a_string(value)
    try:
        return _sorted(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise EvalError(f"toml: {_toml_problem(text, str(error))}") from None


def _toml_problem(text: str, message: str) -> str:
    """The complaint in the words of Go's decoder where they are known."""
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message)
    if found is None:
        return message
    line = text.split("\n")[int(found.group(2)) - 1]
    key = line.partition("=")[0].strip()
    place = f'line {found.group(2)} (last key "{key}")'
    if found.group(1) == "Invalid value":
        return f"{place}: expected value but found '{line[int(found.group(3)) - 1 :][:1]}' instead"
    return f"{place}: {found.group(1)}"


def _toml_encode(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    (value,) = exactly(args, 1)
    known_names(kwargs, "indent")
    plain = to_plain(to_tree(value))
    if type(plain) is not dict:
        raise EvalError("toml: top-level values must be Go maps or structs")
    lines: list[str] = []
    _toml_table(plain, (), lines, " " * an_int(kwargs.get("indent", 2)))
    return "".join(line + "\n" for line in lines)


def _toml_table(table: dict[str, Any], path: tuple[str, ...], lines: list[str], indent: str) -> None:
    """Plain keys first, then arrays of tables and tables; each level is indented, keys are sorted."""
    inner = indent * len(path)
    nested = []
    for key in sorted(table):
        value = table[key]
        if value is None:
            continue
        if type(value) is dict or _is_table_list(value):
            nested.append(key)
        else:
            lines.append(f"{inner}{_toml_key(key)} = {_toml_value(value)}")
    for key in nested:
        value = table[key]
        name = ".".join([_toml_key(part) for part in (*path, key)])
        for one in value if type(value) is list else [value]:
            if lines and not path:
                lines.append("")
            lines.append(f"{inner}[[{name}]]" if type(value) is list else f"{inner}[{name}]")
            _toml_table(one, (*path, key), lines, indent)


def _is_table_list(value: Any) -> bool:
    return type(value) is list and bool(value) and all(type(item) is dict for item in value)


def _toml_key(key: str) -> str:
    plain = key and all(char.isascii() and (char.isalnum() or char in "-_") for char in key)
    return key if plain else _toml_string(key)


def _toml_value(value: Any) -> str:
    kind = type(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is str:
        return _toml_string(value)
    if kind is float:
        text = repr(value)
        return text if "." in text or "e" in text or "n" in text else text + ".0"
    if kind is list:
        return "[" + ", ".join([_toml_value(item) for item in value]) + "]"
    if kind is dict:
        return (
            "{" + ", ".join([f"{_toml_key(key)} = {_toml_value(value[key])}" for key in sorted(value)]) + "}"
        )
    return str(value)


def _toml_string(text: str) -> str:
    escapes = {"\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
    out = [
        escapes.get(char) or (char if char >= " " and char != "\x7f" else f"\\u{ord(char):04x}")
        for char in text
    ]
    return '"' + "".join(out) + '"'
