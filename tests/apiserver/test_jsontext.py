from __future__ import annotations

from typing import Any

import pytest

from lapstrake.apiserver.jsontext import JsonError, go_value, is_deeper, parse
from tests.apiserver.api_client import Client


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(b"", "unexpected end of JSON input", id="nothing"),
        pytest.param(b'{"a": ', "unexpected end of JSON input", id="cut off"),
        pytest.param(b'{"a": "b', "unexpected end of JSON input", id="cut off in a text"),
        pytest.param(b"{nope", "invalid character 'n' looking for beginning of object key string", id="key"),
        pytest.param(b"x", "invalid character 'x' looking for beginning of value", id="value"),
        pytest.param(b'{"a" 1}', "invalid character '1' after object key", id="colon"),
        pytest.param(b'{"a":1 "b"}', "invalid character '\"' after object key:value pair", id="comma"),
        pytest.param(b"[1 2]", "invalid character '2' after array element", id="array"),
        pytest.param(b"1 2", "invalid character '2' after top-level value", id="more"),
    ],
)
def test_what_is_wrong_with_a_text(body: bytes, text: str) -> None:
    with pytest.raises(JsonError) as caught:
        parse(body)
    assert str(caught.value) == text


def test_values_as_go_prints_them() -> None:
    value = {"b": [1, "x", None], "a": {"t": True}}
    assert go_value(value) == "map[a:map[t:true] b:[1 x <nil>]]"


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def test_depth() -> None:
    assert not is_deeper(nested(5), 5)
    assert is_deeper(nested(6), 5)
    assert not is_deeper([1, [2, "x"]], 2)


def test_objects_that_are_nested_too_deeply_are_refused(api: Client) -> None:
    body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "deep"}, "data": nested(300)}
    answer = api("POST", "/api/v1/namespaces/default/configmaps", body)
    assert answer.status == 400
    assert "nested too deeply" in answer.text
