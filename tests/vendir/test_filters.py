from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.vendir.config import Contents
from lapstrake.vendir.filters import kept


@pytest.mark.parametrize(
    "patterns",
    [
        pytest.param({"include_paths": ("docs/*",), "exclude_paths": ("[",)}, id="excluded"),
        pytest.param({"legal_paths": ("[",)}, id="legal"),
    ],
)
def test_broken_pattern_is_told_even_where_another_decides(patterns):
    with pytest.raises(InputError) as caught:
        kept(["a"], Contents("x", "inline", **patterns))
    assert str(caught.value) == "syntax error in pattern"


def test_legal_texts_stay():
    contents = Contents("x", "inline", include_paths=("docs/*",), exclude_paths=("docs/b",))
    assert kept(["a", "docs/a", "docs/b", "LICENSE.md"], contents) == {"docs/a", "LICENSE.md"}
