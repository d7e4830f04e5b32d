from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.kube.selectors import LabelSelector


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        pytest.param("", {"a": "1"}, True, id="empty"),
        pytest.param("a=1", {"a": "1"}, True, id="equal"),
        pytest.param("a==2", {"a": "1"}, False, id="unequal"),
        pytest.param("a!=1", {}, True, id="not-equal-when-missing"),
        pytest.param("a", {"a": ""}, True, id="exists"),
        pytest.param("!a", {"a": ""}, False, id="absent"),
        pytest.param("a in (1, 2),b", {"a": "2", "b": "x"}, True, id="set"),
        pytest.param("a notin (1,2)", {"a": "2"}, False, id="notin"),
        pytest.param("kapp.k14s.io/is-app=", {"kapp.k14s.io/is-app": ""}, True, id="empty-value"),
        pytest.param("n>3", {"n": "4"}, True, id="greater"),
        pytest.param("n<3", {"n": "x"}, False, id="not-a-number"),
    ],
)
def test_selector_matches(text: str, labels: dict[str, str], expected: bool) -> None:
    assert LabelSelector.parse(text).matches(labels) is expected


@pytest.mark.parametrize("text", ["a b", "=x", "a in x", ",", "a=b c"])
def test_selector_refused(text: str) -> None:
    with pytest.raises(InputError):
        LabelSelector.parse(text)


def test_selector_of_object() -> None:
    selector = LabelSelector.of(
        {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}
    )
    assert selector.matches({"app": "web"})
    assert not selector.matches({"app": "web", "x": "1"})
