"""What is printed reads back as what it was."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lapstrake.yamldoc import plain
from lapstrake.yamldoc.parser import parse
from lapstrake.yamldoc.printer import print_documents, print_value

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x85\u2028\u2029"))
WORDS = st.lists(
    st.sampled_from(["a", "#", "- ", ": ", "'", '"', "y", "0x1", "|", "\n", " ", "2020-01-01", "~"])
).map("".join)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | TEXT | WORDS
)
KEYS = TEXT | WORDS | st.integers(-5, 300) | st.booleans()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=8)


@given(VALUES)
@settings(deadline=None, max_examples=80)
def test_printed_values_read_back(value: object) -> None:
    text = print_value(plain.from_plain(value))
    read = plain.to_plain(parse(text, "x").items[0].value)
    assert _normal(read) == _normal(value)


@given(
    st.dictionaries(
        TEXT | WORDS,
        st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT | WORDS, st.lists),
    )
)
@settings(deadline=None, max_examples=80)
def test_dumped_values_load_again(value: dict[str, object]) -> None:
    assert plain.load(plain.dump(value), "x") == value


@given(st.lists(VALUES, max_size=3))
@settings(deadline=None, max_examples=40)
def test_printing_again_changes_nothing(values: list[object]) -> None:
    text = "".join(f"---\n{print_value(plain.from_plain(value))}" for value in values)
    once = print_documents(parse(text, "x"))
    assert print_documents(parse(once, "x")) == once


def _normal(value: object) -> object:
    """Whole floats print without a point, and so read back as integers."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    if isinstance(value, dict):
        return {repr(key): _normal(member) for key, member in value.items()}
    return [_normal(member) for member in value] if isinstance(value, list) else value
