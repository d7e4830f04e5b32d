"""Label and field selectors."""

from __future__ import annotations

import pytest

from lapstrake.apiserver.selectors import fields_match, labels_match, reader
from lapstrake.apiserver.status import ApiError

OBJECT = {
    "metadata": {"name": "a", "labels": {"app": "web", "tier": "front", "n": "5"}},
    "spec": {"on": True},
}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        pytest.param("app=web", True, id="equal"),
        pytest.param("app==web", True, id="double-equal"),
        pytest.param("app=db", False, id="other-value"),
        pytest.param("app!=db", True, id="not-equal"),
        pytest.param("none!=x", True, id="not-equal-absent"),
        pytest.param("app", True, id="exists"),
        pytest.param("!app", False, id="not-exists"),
        pytest.param("! none , app", True, id="blanks"),
        pytest.param("app in (db, web)", True, id="in"),
        pytest.param("app notin (db,web)", False, id="notin"),
        pytest.param("none notin (x)", True, id="notin-absent"),
        pytest.param("app=web,tier=back", False, id="both-needed"),
        pytest.param("n>4", True, id="greater"),
        pytest.param("n<5", False, id="less"),
        pytest.param("app>4", False, id="no-number"),
        pytest.param("none=", False, id="empty-value"),
    ],
)
def test_labels(text: str, matches: bool) -> None:
    test = labels_match(text)
    assert test is not None
    assert test(OBJECT) is matches


def test_empty_selector_is_none() -> None:
    assert labels_match(" ") is None


def test_malformed_labels_are_refused() -> None:
    with pytest.raises(ApiError) as caught:
        labels_match("a=b=c")
    assert str(caught.value) == "found '=', expected: ',' or 'end of string'"


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        pytest.param("metadata.name=a", True, id="equal"),
        pytest.param("metadata.name!=a", False, id="not-equal"),
        pytest.param("metadata.name=a,spec.on=true", True, id="boolean"),
        pytest.param("spec.on==false", False, id="double-equal"),
    ],
)
def test_fields(text: str, matches: bool) -> None:
    readers = {name: reader(name) for name in ("metadata.name", "spec.on")}
    test = fields_match(text, readers, lambda name: name)
    assert test is not None
    assert test(OBJECT) is matches


def test_unknown_field_is_refused() -> None:
    with pytest.raises(ApiError) as caught:
        fields_match("data.k=1", {}, lambda name: f"no {name}")
    assert str(caught.value) == "no data.k"


def test_malformed_fields_are_refused() -> None:
    with pytest.raises(ApiError) as caught:
        fields_match("x", {}, str)
    assert str(caught.value) == "invalid selector: 'x'; can't understand 'x'"
