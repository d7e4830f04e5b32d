"""YAML as plain Python values, read and written as ``sigs.k8s.io/yaml`` does (kbld, imgpkg, vendir, kapp, kctrl).

Reading goes through JSON there: keys become strings, and numbers lose what a 64 bit float cannot hold.
"""

from __future__ import annotations

from lapstrake.errors import InputError
from lapstrake.yamldoc.gojson import dumps as go_dumps
from lapstrake.yamldoc.gojson import float_text, key_text
from lapstrake.yamldoc.nodes import Array, ArrayItem, Document, Map, MapItem
from lapstrake.yamldoc.parser import parse
from lapstrake.yamldoc.printer import print_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.yamldoc.nodes import Value

FOLDING_WIDTH = 80
_EXACT = 1 << 53
_LEAST, _MOST = -(1 << 63), (1 << 64) - 1  # what Go reads as an integer
_NOT_FINITE = {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}


def load_all(text: str | bytes, source: str, *, slash_escapes: bool = True) -> list[Any]:
    """The documents of ``text`` that hold something, as dicts with string keys, lists and scalars.

    Of duplicate keys the last one wins. Raises InputError (``yaml: line N: ...``); ``source`` is for positions.
    Without ``slash_escapes`` a slash in quotes has no backslash, as in yaml.v2; JSON allows it.
    """
    if isinstance(text, bytes):
        text = text.removeprefix(b"\xef\xbb\xbf")
    else:
        text = text.removeprefix("\ufeff")
    docset = parse(text, source, comments=False, merge_lists=True, slash_escapes=slash_escapes)
    return [_loaded(document.value) for document in docset.items if document.value is not None]


def load_first(text: str, source: str) -> Any:
    """What ``text`` begins with, be it YAML or not behind that; otherwise as ``load``."""
    documents = parse(text, source, comments=False, merge_lists=True, only_first=True).items
    return _loaded(documents[0].value) if documents else None


def load(text: str | bytes, source: str, *, slash_escapes: bool = True) -> Any:
    """The first document of ``text``, or None; otherwise as ``load_all``."""
    documents = load_all(text, source, slash_escapes=slash_escapes)
    return documents[0] if documents else None


def _loaded(value: Value) -> Any:
    kind = value.__class__
    if kind is Map:
        return {_string_key(item): _loaded(item.value) for item in value.items}
    if kind is Array:
        return [_loaded(item.value) for item in value.items]
    if kind is int and not -_EXACT <= value <= _EXACT:
        rounded = int(float_text(float(value)))
        return rounded if _LEAST <= rounded <= _MOST else float(value)
    if kind is bytes:
        return value.decode("utf-8", "replace")
    return value


def _string_key(item: MapItem) -> str:
    key = item.key
    if key.__class__ is str:
        return key
    if isinstance(key, (Map, Array)):
        _loaded(key)  # what is wrong inside comes first
        raise InputError(f"yaml: invalid map key: {_in_go(key)}")
    if isinstance(key, float):
        return _NOT_FINITE.get(str(key)) or key_text(key)
    if key is None:
        raise InputError(
            f"unsupported map key of type: %!s(<nil>), key: <nil>, value: {_in_go(item.value, '<nil>')}"
        )
    return key_text(key)


def _in_go(value: Value, nothing: str = "interface {}(nil)") -> str:
    """A value in the syntax of Go, as its ``%#v`` shows one; ``nothing`` is what it has for null."""
    if isinstance(value, Map):
        members = (f"{_in_go(item.key)}:{_in_go(item.value)}" for item in value.items)
        return f"map[interface {{}}]interface {{}}{{{', '.join(members)}}}"
    if isinstance(value, Array):
        return f"[]interface {{}}{{{', '.join(_in_go(item.value) for item in value.items)}}}"
    if value is None:
        return nothing
    return go_dumps(value, html_escape=False) if isinstance(value, str) else key_text(value)


def dump(value: Any) -> str:
    """``value`` (mappings, sequences, scalars) as one YAML document: sorted keys, long text folded."""
    return print_value(_sorted_node(value), width=FOLDING_WIDTH)


def _sorted_node(value: Any) -> Value:
    if value is None or isinstance(value, (str, bool)):
        return str(value) if isinstance(value, str) and value.__class__ is not str else value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else _through_json(value)
    if isinstance(value, int):
        return int(value)
    if hasattr(value, "items"):
        pairs = [(key if isinstance(key, str) else key_text(key), member) for key, member in value.items()]
        return Map([MapItem(key, _sorted_node(member)) for key, member in sorted_pairs(pairs)])
    return Array([ArrayItem(_sorted_node(member)) for member in value])


def _through_json(value: float) -> Value:
    """The number that yaml.v2 sees after a float was written as JSON: an integer where that shows no point."""
    text = float_text(value)
    if text.lstrip("-").isdigit():
        number = int(text)
        return number if -(1 << 63) <= number < (1 << 64) else value
    return value


def sorted_pairs(pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Key-value pairs in the order yaml.v2 writes a map: letters after other characters, numbers by their value."""
    if all(key.isalpha() for key, _ in pairs):
        return sorted(pairs, key=_first)
    from functools import cmp_to_key

    by_key = cmp_to_key(compare_keys)
    return sorted(pairs, key=lambda pair: by_key(pair[0]))


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]


def compare_keys(left: str, right: str) -> int:
    """Negative, 0 or positive: the natural order of yaml.v2."""
    for i, (a, b) in enumerate(zip(left, right, strict=False)):
        if a == b:
            continue
        if a.isalpha() and b.isalpha():
            return -1 if a < b else 1
        if a.isalpha() or b.isalpha():
            return -1 if b.isalpha() else 1  # a letter comes after another character, in a number too
        return _compare_numbers(left, right, i)
    return len(left) - len(right)


def _compare_numbers(left: str, right: str, at: int) -> int:
    lead = ""
    if "0" in (left[at], right[at]):
        start = at
        while start > 0 and left[start - 1].isdecimal():
            start -= 1
        lead = "1" if left[start:at].strip("0") else ""
    runs = []
    for key in (left, right):
        end = at
        while end < len(key) and key[end].isdecimal():
            end += 1
        digits = (lead + key[at:end]).lstrip("0")
        runs.append((len(digits), digits, end))
    if runs[0] != runs[1]:
        return -1 if runs[0] < runs[1] else 1
    return -1 if left[at] < right[at] else 1


def to_plain(value: Value) -> Any:
    """A node as dicts, lists and scalars; of duplicate keys the last one wins."""
    kind = value.__class__
    if kind is Map:
        return {item.key: to_plain(item.value) for item in value.items}
    if kind is Array:
        return [to_plain(item.value) for item in value.items]
    if kind is Document:
        return to_plain(value.value)
    return value


def from_plain(value: Any) -> Value:
    """Dicts, lists and scalars as nodes without positions, in the order given."""
    if isinstance(value, dict):
        return Map([MapItem(key, from_plain(member)) for key, member in value.items()])
    if isinstance(value, (list, tuple)):
        return Array([ArrayItem(from_plain(member)) for member in value])
    return value
