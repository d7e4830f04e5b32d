from __future__ import annotations

import pytest

from lapstrake.spelling import distance, nearest


@pytest.mark.parametrize(
    ("name", "candidates", "expected"),
    [
        pytest.param("replicaz", ["image", "replicas"], "replicas", id="one letter"),
        pytest.param("Name", ["name", "mane"], "name", id="case does not count"),
        pytest.param("x", ["replicas"], None, id="too far"),
        pytest.param("abcd", ["abxy"], None, id="half of the letters"),
        pytest.param("ab", ["ac", "ad"], None, id="short names must agree"),
        pytest.param("abcde", ["abcdx", "abcdy"], "abcdx", id="the first of equals"),
    ],
)
def test_nearest(name: str, candidates: list[str], expected: str | None) -> None:
    assert nearest(name, candidates) == expected


def test_distance_is_cut_at_its_limit() -> None:
    assert distance("kitten", "sitting", 5) == 3
    assert distance("kitten", "sitting", 2) == 3
    assert distance("a", "abcdef", 2) == 3
