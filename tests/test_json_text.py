from __future__ import annotations

import json

import pytest

from lapstrake.errors import InputError
from lapstrake.json_text import first_value, from_json, json_mismatch


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param(
            ' {"a": [1, -2.5e3, {}], "b": {"c": []}} ', {"a": [1, -2500.0, {}], "b": {"c": []}}, id="all"
        ),
        pytest.param('"\\u00e9\\n"', "é\n", id="escapes"),
        pytest.param("[true, false, null]", [True, False, None], id="literals"),
        pytest.param('{"a": 1, "a": 2}', {"a": 2}, id="last-key-wins"),
    ],
)
def test_value(text, value):
    assert from_json(text.encode()) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "unexpected end of JSON input", id="nothing"),
        pytest.param('{"a": "x', "unexpected end of JSON input", id="end"),
        pytest.param("nul", "invalid character ' ' in literal null (expecting 'l')", id="cut-literal"),
        pytest.param("[-", "invalid character ' ' in numeric literal", id="cut-number"),
        pytest.param('"\\u1', r"invalid character ' ' in \u hexadecimal character escape", id="cut-escape"),
        pytest.param("nope", "invalid character 'o' in literal null (expecting 'u')", id="literal"),
        pytest.param("{} x", "invalid character 'x' after top-level value", id="more"),
        pytest.param('{"a": }', "invalid character '}' looking for beginning of value", id="no-value"),
        pytest.param(
            "{'a': 1}", r"invalid character '\'' looking for beginning of object key string", id="key"
        ),
        pytest.param('{"a" 1}', "invalid character '1' after object key", id="no-colon"),
        pytest.param('{"a": 01}', "invalid character '1' after object key:value pair", id="pair"),
        pytest.param("[1 2]", "invalid character '2' after array element", id="element"),
        pytest.param("[-]", "invalid character ']' in numeric literal", id="number"),
        pytest.param("[1.]", "invalid character ']' after decimal point in numeric literal", id="point"),
        pytest.param('"\x01"', r"invalid character '\x01' in string literal", id="control"),
        pytest.param('"\\q"', "invalid character 'q' in string escape code", id="escape"),
        pytest.param("[" * 502, "exceeded max depth", id="depth"),
    ],
)
def test_no_json_in_words_of_go(text, message):
    with pytest.raises(InputError) as caught:
        from_json(text.encode())
    assert str(caught.value) == message


def test_deep_json_is_taken_up_to_the_bound():
    value = from_json(b"[" * 501 + b"]" * 501)
    for _ in range(500):
        (value,) = value
    assert value == []


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "-Infinity"])
def test_constants_of_python_are_no_json(text):
    with pytest.raises(InputError, match="invalid character"):
        from_json(text.encode())


def test_number_without_end_is_refused():
    with pytest.raises(InputError, match="digits"):
        from_json(b"9" * 5000)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param(' {"a": 1} {"b"', {"a": 1}, id="more"),
        pytest.param("null", None, id="null"),
        pytest.param('"\\ud800"', "\ufffd", id="half"),
    ],
)
def test_first_value(text, value):
    assert first_value(text.encode()) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(" \n", "EOF", id="nothing"),
        pytest.param('{"a": ', "unexpected EOF", id="end"),
        pytest.param("{a}", "invalid character 'a' looking for beginning of object key string", id="key"),
        pytest.param("[" * 502, "exceeded max depth", id="depth"),
    ],
)
def test_no_first_value(text, message):
    with pytest.raises(InputError) as caught:
        first_value(text.encode())
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "bool"),
        (1, "number"),
        (0.5, "number"),
        ("", "string"),
        ([], "array"),
        ({}, "object"),
    ],
)
def test_kinds_are_named_as_in_go(value, kind):
    assert (
        str(json_mismatch(value, "value of type T"))
        == f"json: cannot unmarshal {kind} into Go value of type T"
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('["' + "[" * 1000 + '"]', id="brackets-in-a-string"),
        pytest.param('["\\"' + "[" * 1000 + '\\\\"]', id="escapes"),
        pytest.param("[" + "[]," * 1000 + "0]", id="side-by-side"),
    ],
)
def test_many_brackets_are_not_deep(text):
    assert from_json(text.encode()) == json.loads(text)


def test_string_without_end_after_many_brackets_is_told():
    with pytest.raises(InputError, match="unexpected end of JSON input"):
        from_json(b"[" + b"[]," * 1000 + b'"' + b'\\"' * 100_000)
