from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.yamldoc import gojson, plain


def test_load_all_makes_json_like_values() -> None:
    text = "a: 12345678901234567890\ny: 1.0\n16: 0x10\n---\n---\n- 1e6\n"
    assert plain.load_all(text, "x") == [{"a": 12345678901234567000, "true": 1.0, "16": 16}, [1e6]]


def test_load_takes_the_last_duplicate_and_merges_lists() -> None:
    assert plain.load("x: &x {p: 1}\nw: &w {p: 2, r: 3}\nm: {<<: [*x, *w]}\nm2: 1\nm2: 2\n", "x") == {
        "x": {"p": 1},
        "w": {"p": 2, "r": 3},
        "m": {"p": 1, "r": 3},
        "m2": 2,
    }


@pytest.mark.parametrize(
    ("key", "text"),
    [(".inf", ".inf"), ("-.inf", "-.inf"), (".nan", ".nan"), ("1.50", "1.5"), ("no", "false")],
)
def test_keys_become_strings(key: str, text: str) -> None:
    assert plain.load(f"{key}: 1", "x") == {text: 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("? [a, 1]\n: b", 'yaml: invalid map key: []interface {}{"a", 1}', id="list"),
        pytest.param(
            "{{ x }}: b",
            'yaml: invalid map key: map[interface {}]interface {}{"x":interface {}(nil)}',
            id="a template left in, the innermost",
        ),
        pytest.param("~: b", 'unsupported map key of type: %!s(<nil>), key: <nil>, value: "b"', id="null"),
        pytest.param("~:", "unsupported map key of type: %!s(<nil>), key: <nil>, value: <nil>", id="nulls"),
    ],
)
def test_key_that_cannot_be_a_string(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        plain.load(text, "x")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (18446744073709549568, "18446744073709550000"),
        (18446744073709551615, "1.8446744073709552e+19"),
        (-9223372036854775808, "-9.223372036854776e+18"),
    ],
)
def test_integers_that_go_cannot_hold_are_floats(number: int, expected: str) -> None:
    assert plain.dump(plain.load(f"a: {number}", "x")) == f"a: {expected}\n"


def test_byte_order_mark_is_skipped() -> None:
    assert plain.load(b"\xef\xbb\xbfa: 1", "x") == {"a": 1}


def test_dump_sorts_and_folds() -> None:
    long = "word " * 30
    text = plain.dump(
        {"b10": 1, "b9": long.strip(), "a": [{"k": "x\ny", "z": []}], "A": 1e6, "on": "2020-01-01"}
    )
    assert text == (
        "A: 1000000\na:\n- k: |-\n    x\n    y\n  z: []\nb9: " + "word " * 15 + "word\n"
        "  " + "word " * 13 + 'word\nb10: 1\n"on": "2020-01-01"\n'
    )


@pytest.mark.parametrize(
    "keys",
    [
        ["A", "a", "b"],
        ["a.b", "ab"],
        ["a9", "a10", "aa"],
        ["k92", "k9f"],
        ["-", "1", "a"],
        ["a1b", "a01b", "a2"],
        ["1.9.0", "1.10.0"],
    ],
)
def test_key_order(keys: list[str]) -> None:
    assert [key for key, _ in plain.sorted_pairs([(key, 0) for key in reversed(keys)])] == keys


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (1e-7, "1e-7"),
        (0.000001, "0.000001"),
        (2.50, "2.5"),
        ("<&>\u2028", '"\\u003c\\u0026\\u003e\\u2028"'),
        ({"b": [], "a": {True: None}}, '{"a":{"true":null},"b":[]}'),
    ],
)
def test_json_text(value: object, expected: str) -> None:
    assert gojson.dumps(value) == expected


def test_json_indent() -> None:
    assert gojson.dumps({"a": [1, {}]}, indent="  ") == '{\n  "a": [\n    1,\n    {}\n  ]\n}'


def test_json_refuses_infinity() -> None:
    with pytest.raises(ValueError, match=r"json: unsupported value: \+Inf"):
        gojson.dumps(float("inf"))


def test_nodes_and_plain_values_convert() -> None:
    value = {"a": [1, {"b": None}], 2: "x"}
    assert plain.to_plain(plain.from_plain(value)) == value
