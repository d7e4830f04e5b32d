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
        pytest.param("cmd/**/*", "cmd/main.go", "cmds/main.go", id="one-level"),
        pytest.param("{cmd,.hidden}/x", ".hidden/x", "other/x", id="alternatives"),
        pytest.param("LICENSE{,.md}", "LICENSE", "LICENSE.txt", id="empty-alternative"),
        pytest.param("[a-c].txt", "b.txt", "d.txt", id="class"),
        pytest.param("[!a-c].txt", "d.txt", "b.txt", id="negated-class"),
        pytest.param("?.txt", "a.txt", "ab.txt", id="one-character"),
        pytest.param("a\\*b", "a*b", "axb", id="escaped"),
        pytest.param("a.b+c", "a.b+c", "aXb+c", id="plain-characters"),
    ],
)
def test_pattern_matches(pattern, fits, misses):
    matches = matcher([pattern])
    assert matches(fits)
    assert not matches(misses)


def test_broken_pattern_is_refused():
    with pytest.raises(InputError) as caught:
        matcher(["a[b"])
    assert str(caught.value) == "syntax error in pattern: a[b"
