from __future__ import annotations

import pytest

from lapstrake.distribution.failures import go_value, refusal


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({"Tag": "x", "Name": "a/b"}, "map[Name:a/b Tag:x]", id="map"),
        pytest.param(["a", 1, 2.5, True, None], "[a 1 2.5 true <nil>]", id="list"),
        pytest.param({}, "map[]", id="empty"),
        pytest.param([{"Type": "repository", "Class": ""}], "[map[Class: Type:repository]]", id="nested"),
        pytest.param(200, "200", id="number"),
    ],
)
def test_go_value(value: object, text: str) -> None:
    assert go_value(value) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(b'{"errors":[{"code":"A","message":"b"}]}', "A: b", id="without detail"),
        pytest.param(b'{"errors":[{"code":"A","message":"b","detail":"c"}]}', "A: b; c", id="with detail"),
        pytest.param(
            b'{"errors":[{"code":"A","message":"b"},{"code":"C","message":"d"}]}',
            "multiple errors returned: A: b; C: d",
            id="two",
        ),
        pytest.param(b"", "unexpected status code 500 Internal Server Error", id="no body"),
        pytest.param(b"oops", "unexpected status code 500 Internal Server Error: oops", id="text"),
        pytest.param(b"[" * 100_000, None, id="deep"),
        pytest.param(
            b'{"errors":[{"code":"A","detail":%s}]}' % (b"[" * 990 + b"]" * 990), None, id="deep detail"
        ),
    ],
)
def test_refusal_text(body: bytes, text: str | None) -> None:
    message = str(refusal("GET", "http://h/v2/", 500, body))
    assert len(message) < 3000
    if text:
        assert message == f"GET http://h/v2/: {text}"


def test_refusal_hides_tokens_in_addresses() -> None:
    url = "http://me:secret@h/blob?X-Amz-Signature=abc&scope=1&password=def&flag"
    assert str(refusal("GET", url, 403, b"")).startswith(
        "GET http://me:***@h/blob?X-Amz-Signature=REDACTED&flag&password=REDACTED&scope=1: "
    )
