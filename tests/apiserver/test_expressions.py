from __future__ import annotations

from typing import Any

import pytest

from lapstrake.apiserver.expressions import ExpressionError, evaluate
from lapstrake.apiserver.schema import from_openapi
from lapstrake.apiserver.validation import custom_violations


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("self.a + 2 * 3 == 7", True, id="precedence"),
        pytest.param("!(self.a > 1) && self.s != 'x'", True, id="logic"),
        pytest.param("has(self.none) || self.a == 1", True, id="has"),
        pytest.param("self.none == 1 || self.a == 1", True, id="one side may fail"),
        pytest.param("self.a in [1, 2] ? 'yes' : 'no'", "yes", id="ternary"),
        pytest.param("self.l.all(i, i.startsWith('a')) && self.l.exists(i, i == 'ab')", True, id="loops"),
        pytest.param("self.l.map(i, size(i))", [1, 2], id="map"),
        pytest.param("self.s.matches('^[a-z]+$') && self.s.size() == 4", True, id="methods"),
        pytest.param("self.m['k-1'] + self.m.k__dash__1", 4, id="fields"),
        pytest.param("-7 / 2", -3, id="division cuts off"),
        pytest.param("true == 1", False, id="kinds differ"),
        pytest.param(r"'a\'b' + r'\d'", "a'b\\d", id="strings"),
    ],
)
def test_evaluate(text: str, value: Any) -> None:
    data = {"a": 1, "s": "text", "l": ["a", "ab"], "m": {"k-1": 2}}
    assert evaluate(text, self=data) == value


@pytest.mark.parametrize(
    "text", ["self.", "1 +", "nobody", "self.none", "'a' * 3", "(" * 80, "size(1)", "a b"]
)
def test_what_cannot_be_evaluated(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, self={})


def test_loops_are_bounded() -> None:
    deep = "self.all(a, self.all(b, self.all(c, self.all(d, true))))"
    with pytest.raises(ExpressionError, match="too long"):
        evaluate(deep, self=list(range(100)))


def test_texts_are_bounded() -> None:
    grow = "'aaaaaaaaaa'" + ".replace('a', 'aaaaaaaaaa')" * 8
    with pytest.raises(ExpressionError, match="too long"):
        evaluate(grow)


KEY = from_openapi(
    {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "min": {"type": "integer"},
                    "max": {"type": "integer"},
                    "id": {
                        "type": "string",
                        "x-kubernetes-validations": [
                            {"rule": "self == oldSelf", "message": "id cannot change"}
                        ],
                    },
                },
                "x-kubernetes-validations": [
                    {"rule": "self.min <= self.max", "message": "min must not exceed max"},
                    {"rule": "self.max < 100"},
                    {"rule": "beyond.us(self)"},
                ],
            }
        },
    }
)


def broken(old: dict[str, Any] | None = None, **spec: Any) -> list[str]:
    before = {"metadata": {"name": "k"}, "spec": old} if old else None
    found = custom_violations(KEY, {"metadata": {"name": "k"}, "spec": spec}, before)
    return [f"{cause['field']}: {cause['message']}" for cause in found]


def test_rules_of_a_custom_kind() -> None:
    assert broken(min=2, max=3, id="x") == []
    assert broken(min=5, max=3) == ["spec: Invalid value: min must not exceed max"]
    assert broken(min=5, max=100) == ["spec: Invalid value: failed rule: self.max < 100"]


def test_transition_rules_need_an_old_value() -> None:
    assert broken({"id": "x"}, min=1, max=2, id="y") == ['spec.id: Invalid value: "y": id cannot change']
    assert broken({"min": 1}, min=1, max=2, id="y") == []


def test_rules_wait_for_the_schema() -> None:
    assert broken(min="a", max=0)[-1].startswith(
        "<nil>: Invalid value: null: some validation rules were not checked"
    )
