"""Regular expressions: Go's syntax, the first match from the left, and no pattern that takes long."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapstrake.starlark.errors import EvalError
from lapstrake.ytt.modules.patterns import compiled, replaced
from lapstrake.ytt.modules.regex_engine import Regex, TooCostly
from lapstrake.ytt.modules.regex_syntax import PatternError

# Each piece means the same to Python, and none makes a repetition of what can be empty.
PIECES = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", "(a|b)", "(?:ab|a)", "a*", "b+?", "a?", "(ab){1,2}", "^", r"\b", r"\d"]
)
PATTERNS = st.lists(PIECES, max_size=5).map("".join) | st.tuples(PIECES, PIECES).map("|".join)


@given(PATTERNS, st.text("ab1 \n", max_size=10))
@settings(deadline=None, max_examples=300)
def test_matches_are_those_of_a_backtracking_engine(pattern: str, text: str) -> None:
    expected = re.search(pattern, text, re.ASCII)
    found = next(Regex(pattern).matches(text), None)
    assert found == (expected and tuple(place for group in expected.regs for place in group))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param(r"^(a+)+$", "a" * 20_000 + "b", id="nested"),
        pytest.param(r"^(a|a)*$", "a" * 20_000 + "b", id="alternatives"),
        pytest.param(r"(.*)(.*)(.*)(.*)[^x]y", "x" * 5_000, id="stars"),
        pytest.param(r"((a*)*)*b", "a" * 20_000, id="empty loops"),
        pytest.param(r"(a?){30}a{30}", "a" * 29, id="optional"),
    ],
)
def test_hostile_patterns_end_quickly(pattern: str, text: str) -> None:
    assert next(Regex(pattern).matches(text), None) is None


def test_size_of_pattern_times_text_is_bounded() -> None:
    with pytest.raises(TooCostly):
        next(Regex("(a{20}b{20})*").matches("a" * 1_000_000))
    with pytest.raises(PatternError, match="expression too large"):
        Regex("((a{100}){100}){100}")


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("a(b", "missing closing ): `a(b`"),
        ("a)b", "unexpected ): `a)b`"),
        ("[ab", "missing closing ]: `[ab`"),
        ("*a", "missing argument to repetition operator: `*`"),
        ("a+*?", "invalid nested repetition operator: `+*?`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        (r"\1", r"invalid escape sequence: `\1`"),
        ("a\\", "trailing backslash at end of expression: ``"),
        (r"\p{Nope}", r"invalid character class range: `\p{Nope}`"),
    ],
)
def test_wrong_patterns_are_refused_in_the_words_of_go(pattern: str, problem: str) -> None:
    with pytest.raises(EvalError) as caught:
        compiled(pattern)
    assert str(caught.value) == f"error parsing regexp: {problem}"


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"\pL+", "aé1", "<>1"),
        (r"\p{Greek}", "aλ", "a<>"),
        (r"(?i)É", "é", "<>"),
        (r"[[:upper:]\d]", "aB1", "a<><>"),
        (r"(?s:a.b)|c", "a\nbc", "<><>"),
        (r"(?m)^a$", "a\na", "<>\n<>"),
        (r"(?U)a+", "aa", "<><>"),
        (r"\Qa.\E", "a..b", "<>.b"),
        (r"\x61\x{62}", "ab", "<>"),
        (r"a{,2}", "a{,2}", "<>"),
        (r"", "ab", "<>a<>b<>"),
    ],
)
def test_syntax_of_go(pattern: str, text: str, expected: str) -> None:
    assert replaced(Regex(pattern), text, lambda groups: "<>") == expected
