from __future__ import annotations

import pytest

from lapstrake.yamldoc.nodes import without_shadowed_items
from lapstrake.yamldoc.parser import parse
from lapstrake.yamldoc.printer import print_documents, print_value


def printed(text: str) -> str:
    return print_documents(parse(text, "a.yml"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", '""', id="empty"),
        pytest.param(" lead", "' lead'", id="leading blank"),
        pytest.param("yes", '"yes"', id="boolean word"),
        pytest.param("12:30", '"12:30"', id="base 60"),
        pytest.param("2020-01-02", '"2020-01-02"', id="date"),
        pytest.param("2024-02-30", "2024-02-30", id="no date"),
        pytest.param("a: b", "'a: b'", id="colon"),
        pytest.param("it's", "it's", id="inner quote"),
        pytest.param("a\tb", '"a\\tb"', id="tab"),
        pytest.param("\U0001f680", '"\\U0001F680"', id="above U+FFFF"),
        pytest.param("\ufeffx", '"\\uFEFF\\x78"', id="byte order mark"),
        pytest.param("<<", "<<", id="merge word"),
        pytest.param("two \nlines", '"two \\nlines"', id="blank before a break"),
        pytest.param("one\ntwo", "|-\n  one\n  two", id="literal"),
        pytest.param("\n", "|2+\n", id="only a break"),
        pytest.param("\udcff", "!!binary /w==", id="no UTF-8"),
    ],
)
def test_string_style(text: str, expected: str) -> None:
    assert print_value(text) == expected + "\n"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(1.0, "1", id="whole"),
        pytest.param(1e6, "1e+06", id="million"),
        pytest.param(123456.7, "123456.7", id="below a million"),
        pytest.param(123456789.1, "1.234567891e+08", id="large"),
        pytest.param(0.0001, "0.0001", id="small"),
        pytest.param(0.00001, "1e-05", id="smaller"),
        pytest.param(-0.0, "-0", id="negative zero"),
        pytest.param(float("-inf"), "-.inf", id="infinity"),
    ],
)
def test_float_text(value: float, expected: str) -> None:
    assert print_value(value) == expected + "\n"


def test_sequences_are_not_indented_under_their_key() -> None:
    assert (
        printed("a: {b: [1, {c: [x, [2]]}], d: []}\n")
        == "a:\n  b:\n  - 1\n  - c:\n    - x\n    - - 2\n  d: []\n"
    )


def test_empty_documents_are_left_out() -> None:
    assert printed("--- {}\n--- 0\n---\n--- ''\n--- []\n") == '0\n---\n""\n'


def test_long_key_takes_the_question_mark_form() -> None:
    key = "k" * 129
    assert printed(f"? {key}\n: [1]\n") == f"? {key}\n: - 1\n"


def test_last_duplicate_wins_in_the_first_place() -> None:
    docset = parse("a: 1\nb: 2\na: 3\n", "a.yml")
    without_shadowed_items(docset.items[0].value)
    assert print_documents(docset) == "a: 3\nb: 2\n"


def test_printing_is_stable() -> None:
    text = printed("a: {b: [1, {c: |\n a\n\n  b\n}]}\n".replace("|\n a\n\n  b\n", '"a\\n\\n b"'))
    assert printed(text) == text
