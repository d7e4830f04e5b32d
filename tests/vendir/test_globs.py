from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.vendir.globs import matcher


@pytest.mark.parametrize(
    ("pattern", "fits", "misses"),
    [
        pytest.param("*.md", "a.md", "docs/a.md", id="star-stays-in-its-folder"),
        pytest.param("docs/**", "docs/deep/b.md", "doc/a.md", id="all-below"),
        pytest.param("**/*_test.go", "cmd/x/main_test.go", "main.go", id="any-depth"),
        pytest.param("**/*_test.go", "main_test.go", "main_test.gox", id="no-depth"),
        pytest.param("**/**/a", "d/e/a", "d/ea", id="any-depth-twice"),
        pytest.param("cmd/**/*", "cmd/main.go", "cmds/main.go", id="one-level"),
        pytest.param("{cmd,.hidden}/x", ".hidden/x", "other/x", id="alternatives"),
        pytest.param("{docs/a.md,cmd/*}", "docs/a.md", "docs/b.md", id="alternatives-with-folders"),
        pytest.param("{d,c/{a,e/b}}", "c/e/b", "d/a", id="alternatives-within-alternatives"),
        pytest.param("d/{,e/}a", "d/e/a", "d/e/f/a", id="alternative-that-ends-a-folder"),
        pytest.param("{d/**,c/a}", "d/e/f", "c/b", id="all-below-in-an-alternative"),
        pytest.param("{d/e/**,c}/a", "d/e/f/g/a", "c/e/a", id="any-depth-that-ends-an-alternative"),
        pytest.param("{d/e/**,c}/a", "d/e/a", "d/a", id="no-depth-that-ends-an-alternative"),
        pytest.param("{x,d/{y\\},e/**}}/a", "d/e/f/a", "e/a", id="any-depth-that-ends-two-alternatives"),
        pytest.param("{**/a,b}", "c/a", "c/d/a", id="two-stars-after-a-brace"),
        pytest.param("{d/**}x", "d/ex", "d/e/x", id="two-stars-before-what-follows-a-brace"),
        pytest.param("d[/x]a", "dxa", "d/a", id="class-without-slashes"),
        pytest.param("LICENSE{,.md}", "LICENSE", "LICENSE.txt", id="empty-alternative"),
        pytest.param("[a-c].txt", "b.txt", "d.txt", id="class"),
        pytest.param("[^a-c].txt", "d.txt", "b.txt", id="negated-class"),
        pytest.param("[!a].txt", "!.txt", "b.txt", id="exclamation-mark-is-a-character"),
        pytest.param("[\\]]", "]", "\\", id="escape-in-class"),
        pytest.param("/a.md", "a.md", "b/a.md", id="slash-in-front"),
        pytest.param("./d/../a.md/", "a.md", "d/a.md", id="cleaned"),
        pytest.param("d**", "de", "d/e", id="two-stars-beside-others"),
        pytest.param("d/**.go", "d/a.go", "d/e/a.go", id="two-stars-before-others"),
        pytest.param("?.txt", "a.txt", "ab.txt", id="one-character"),
        pytest.param("a\\*b", "a*b", "axb", id="escaped"),
        pytest.param("a.b+c", "a.b+c", "aXb+c", id="plain-characters"),
    ],
)
def test_pattern_matches(pattern, fits, misses):
    matches = matcher([pattern])
    assert matches(fits)
    assert not matches(misses)


@pytest.mark.parametrize("pattern", ["a[b", "[", "[]", "[a-]*", "{a", "a\\"])
def test_broken_pattern_is_refused(pattern):
    with pytest.raises(InputError) as caught:
        matcher([pattern])("path")
    assert str(caught.value) == "syntax error in pattern"


def test_range_that_is_upside_down_holds_nothing():
    matches = matcher(["[z-a]x"])
    assert not any(matches(path) for path in ("ax", "zx", "mx", "-x", "[z-a]x"))


def test_pattern_that_matches_comes_before_a_broken_one():
    matches = matcher(["*.md", "["])
    assert matches("a.md")
    with pytest.raises(InputError):
        matches("a.txt")
