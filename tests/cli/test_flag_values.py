from __future__ import annotations

import pytest

from lapstrake.cli.flag_values import UsageError, read_value


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("a,,b,", ["a", "", "b", ""], id="empty fields"),
        pytest.param('"a,b",c,""', ["a,b", "c", ""], id="comma in quotes"),
        pytest.param('""""', ['"'], id="a quote"),
        pytest.param("a,b\nc", ["a", "b"], id="the first line"),
        pytest.param('"a\nb",c\nd', ["a\nb", "c"], id="a line break in quotes"),
    ],
)
def test_fields_between_commas(text: str, fields: list[str]) -> None:
    assert read_value("strings", text, "-f") == fields


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param('a"b', 'column 2: bare " in non-quoted-field', id="inside"),
        pytest.param('a,b"', 'column 4: bare " in non-quoted-field', id="in a later field"),
        pytest.param('"a', 'column 3: extraneous or missing " in quoted-field', id="open"),
        pytest.param('"a"b', 'column 3: extraneous or missing " in quoted-field', id="closed too soon"),
    ],
)
def test_quotes_that_do_not_fit(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_value("strings", text, "-f, --file")
    shown = text.replace('"', '\\"')
    assert (
        str(caught.value) == f'invalid argument "{shown}" for "-f, --file" flag: parse error on line 1, {why}'
    )


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        pytest.param("a=b,c", {"a": "b,c"}, id="one pair with a comma"),
        pytest.param('a=b,"c=d,e"', {"a": "b", "c": "d,e"}, id="quotes around a pair"),
        pytest.param('"a=b"', {"a": "b"}, id="quotes around one"),
    ],
)
def test_pairs(text: str, pairs: dict[str, str]) -> None:
    assert read_value("map", text, "-l") == pairs


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        pytest.param("map", "a", "a must be formatted as key=value", id="no pair"),
        pytest.param("int", "x", 'strconv.ParseInt: parsing "x": invalid syntax', id="number"),
        pytest.param("duration", "5", 'time: missing unit in duration "5"', id="duration"),
    ],
)
def test_values_that_cannot_be_read(kind: str, text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_value(kind, text, "--flag")
    assert str(caught.value) == f'invalid argument "{text}" for "--flag" flag: {why}'
