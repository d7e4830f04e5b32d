from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.yamldoc.nodes import Map
from lapstrake.yamldoc.parser import MAX_DEPTH, parse
from lapstrake.yamldoc.plain import to_plain


def value_of(text: str) -> object:
    return to_plain(parse(text, "a.yml").items[0].value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0755", 493),
        ("0o17", 15),
        ("08", 8.0),
        ("0b1010", 10),
        ("-0x1f", -31),
        ("1_000_000", 1000000),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 1.8446744073709552e19),
        ("12:30", "12:30"),
        ("y", True),
        ("tRue", "tRue"),
        ("1e999", "1e999"),
        ("5.", 5.0),
        ("!!str 12", "12"),
        ('!!int "7"', 7),
        ("!!binary /+8=", b"\xff\xef"),
        ("! 5", "5"),
        ("2020-01-02", "2020-01-02"),
    ],
)
def test_scalar_meaning(text: str, expected: object) -> None:
    value = value_of(text)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "yaml: line 1: did not find expected ',' or ']'"),
        ("a:\n\tb: 1", "yaml: line 2: found character that cannot start any token"),
        ("a:\n  b: 1\n c: 2", "yaml: line 2: did not find expected key"),
        ("a: *nope", "yaml: unknown anchor 'nope' referenced"),
        ("a: &x [*x]", "yaml: anchor 'x' value contains itself"),
        ("a: \x07", "yaml: control characters are not allowed"),
        ("%YAML 1.2\na: 1", "yaml: found incompatible YAML document"),
        ("a: !!binary x", "yaml: !!binary value contains invalid base64 data"),
        ("a: !!binary aGk", "yaml: !!binary value contains invalid base64 data"),
        ("a: !!binary x\nb: [", "yaml: line 2: did not find expected node content"),
        ("<<: 5\n- a", "yaml: line 1: did not find expected key"),
        ("<<: 5", "yaml: map merge requires map or sequence of maps as the value"),
        ("h: !!null x", "yaml: cannot decode !!str `x` as a !!null"),
    ],
)
def test_error_words(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, "a.yml")
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["~", "yes", "0755", ".inf", "12:30", "Hello world"])
def test_strict_refuses_doubtful_scalars(text: str) -> None:
    with pytest.raises(InputError, match="Strict parsing"):
        parse(f"a: {text}", "a.yml", strict=True)


def test_slash_escapes_are_refused_where_they_are_not_known() -> None:
    text = 'a: "x\\\\/"\nb: "x\n  y\\/"\n'
    parse(text, "a.yml")
    with pytest.raises(InputError) as caught:
        parse(text, "a.yml", slash_escapes=False)
    assert str(caught.value) == "yaml: line 3: found unknown escape character"


def test_invalid_utf8_is_an_error() -> None:
    with pytest.raises(InputError, match="yaml: invalid leading UTF-8 octet"):
        parse(b"a: \xff", "a.yml")


def test_merge_keys_and_aliases() -> None:
    text = "base: &b {a: 1, c: [x]}\nuse: *b\nmerged: {<<: *b, a: 9}\n"
    assert value_of(text) == {
        "base": {"a": 1, "c": ["x"]},
        "use": {"a": 1, "c": ["x"]},
        "merged": {"a": 9, "c": ["x"]},
    }


def test_alias_is_a_copy() -> None:
    value = parse("a: &x {b: 1}\nc: *x\n", "a.yml").items[0].value
    assert value.items[0].value is not value.items[1].value


def test_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(InputError, match="excessive aliasing"):
        parse("\n".join(lines), "a.yml")


def test_depth_is_bounded() -> None:
    with pytest.raises(InputError, match="exceeded max depth"):
        parse("[" * (MAX_DEPTH + 2), "a.yml")


def test_comments_find_their_items() -> None:
    text = """\
#@ before
- a: 1 #! inner
  #@ own
  b: "x # no comment"
- #@ of the item
  c: |  # header
    # text
-
  #@ of the key
  d: 1
--- #@ document
e: 1
#! rest
"""
    docset = parse(text, "a.yml")
    first, second, third = docset.items[0].value.items

    def texts(node: object) -> list[str]:
        return [comment.text for comment in getattr(node, "comments", None) or []]

    assert texts(first) == ["@ before"]
    assert texts(first.value.items[0]) == ["! inner"]
    assert texts(first.value.items[1]) == ["@ own"]
    assert texts(second) == ["@ of the item"]
    assert texts(second.value.items[0]) == [" header"]
    assert texts(third) == []
    assert texts(third.value.items[0]) == ["@ of the key"]
    assert texts(docset.items[1]) == ["@ document"]
    assert texts(docset) == ["! rest"]


def test_positions_carry_the_line() -> None:
    docset = parse("a:\n-\n  - b: 1\r\n\u2028c: 2\n", "a.yml")
    outer = docset.items[0].value.items[0].value.items[0]
    inner = outer.value.items[0]
    assert (str(outer.position), str(inner.position)) == ("a.yml:2", "a.yml:3")
    assert inner.value.items[0].position.text == "  - b: 1"


def test_only_explicit_documents_take_comments() -> None:
    docset = parse("#@ x = 1\na: 1\n", "a.yml")
    assert docset.items[0].implicit
    assert docset.items[0].comments is None
    value = docset.items[0].value
    assert isinstance(value, Map)
    assert value.items[0].comments is not None
