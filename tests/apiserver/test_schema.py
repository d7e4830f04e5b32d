from __future__ import annotations

from typing import Any

import pytest

from lapstrake.apiserver.schema import drop_forbidden_nulls, fill_defaults, from_openapi, prune

JAR: dict[str, Any] = {
    "type": "object",
    "properties": {
        "color": {"type": "string", "default": "clear"},
        "deep": {
            "type": "object",
            "default": {},
            "properties": {"level": {"type": "integer", "default": 3}},
        },
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "list": {
            "type": "array",
            "items": {"type": "object", "properties": {"n": {"type": "string", "default": "d"}}},
        },
        "map": {"type": "object", "additionalProperties": {"type": "string"}},
        "note": {"type": "string", "nullable": True},
        "whole": {"type": "object", "x-kubernetes-embedded-resource": True},
    },
}


@pytest.mark.parametrize(
    ("value", "kept", "dropped"),
    [
        pytest.param({"color": "red", "typo": 1}, {"color": "red"}, ["typo"], id="member"),
        pytest.param({"deep": {"x": 1}}, {"deep": {}}, ["deep.x"], id="deeper"),
        pytest.param({"list": [{}, {"x": 1}]}, {"list": [{}, {}]}, ["list[1].x"], id="item"),
        pytest.param({"free": {"any": {"thing": 1}}}, {"free": {"any": {"thing": 1}}}, [], id="preserved"),
        pytest.param({"map": {"a": "b"}}, {"map": {"a": "b"}}, [], id="map"),
        pytest.param(
            {"whole": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n"}, "spec": {}}},
            {"whole": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n"}}},
            ["whole.spec"],
            id="embedded",
        ),
    ],
)
def test_prune(value: dict[str, Any], kept: dict[str, Any], dropped: list[str]) -> None:
    unknown: list[str] = []
    assert prune(from_openapi(JAR), value, "", unknown) == kept
    assert unknown == dropped


def test_defaults_reach_into_what_is_there() -> None:
    found = fill_defaults(from_openapi(JAR), {"list": [{}, {"n": "own"}]})
    assert found == {"color": "clear", "deep": {"level": 3}, "list": [{"n": "d"}, {"n": "own"}]}


def test_defaults_are_not_shared() -> None:
    schema = from_openapi({"type": "object", "properties": {"a": {"type": "array", "default": [{"b": 1}]}}})
    fill_defaults(schema, {})["a"].append("mine")
    assert fill_defaults(schema, {}) == {"a": [{"b": 1}]}


def test_nulls_stay_only_where_they_may() -> None:
    assert drop_forbidden_nulls(from_openapi(JAR), {"color": None, "note": None, "free": {"x": None}}) == {
        "note": None,
        "free": {"x": None},
    }
