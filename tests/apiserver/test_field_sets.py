from __future__ import annotations

from typing import Any

import pytest

from lapstrake.apiserver import field_sets
from lapstrake.apiserver.builtin import definition_schema
from lapstrake.apiserver.schema import Schema

CONFIG_MAP = definition_schema("core.v1.ConfigMap")
DEPLOYMENT = definition_schema("apps.v1.Deployment")


def test_encoding_is_undone_by_decoding() -> None:
    written = {
        "f:data": {".": {}, "f:a": {}},
        "f:spec": {"f:ports": {'k:{"port":80}': {".": {}, "f:name": {}}}, "f:set": {'v:"s"': {}}},
    }
    assert field_sets.encode(field_sets.decode(written)) == written


def test_fields_of_lists_and_atomic_values() -> None:
    value = {
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "spec": {"containers": [{"name": "m", "ports": [{"containerPort": 80}], "args": ["x"]}]}
            },
        }
    }
    containers = {
        'k:{"name":"m"}': {
            ".": {},
            "f:name": {},
            "f:args": {},
            "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
        }
    }
    assert field_sets.encode(field_sets.fields_of(DEPLOYMENT, value)) == {
        "f:spec": {"f:selector": {}, "f:template": {"f:spec": {"f:containers": containers}}}
    }


def test_comparison_records_new_maps_and_their_members() -> None:
    found = field_sets.compare(CONFIG_MAP, {"data": {"a": "1", "b": "2"}}, {"data": {"a": "9", "c": "3"}})
    assert found.added == {("f:data", "f:c")}
    assert found.modified == {("f:data", "f:a")}
    assert found.removed == {("f:data", "f:b")}
    assert field_sets.compare(CONFIG_MAP, {}, {"data": {"a": "1"}}).added == {("f:data",), ("f:data", "f:a")}


def test_null_counts_as_an_empty_list_that_is_there() -> None:
    schema = definition_schema("core.v1.PodSpec")
    found = field_sets.compare(schema, {"containers": None}, {"containers": [{"name": "a"}]})
    assert found.added == {
        ("f:containers", 'k:{"name":"a"}'),
        ("f:containers", 'k:{"name":"a"}', "f:name"),
    }
    assert not found.modified


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param(("f:data", "f:a"), ".data.a", id="members"),
        pytest.param(("f:items", 'k:{"id":"x"}', "f:v"), '.items[id="x"].v', id="key"),
        pytest.param(("f:set", 'v:"s1"'), '.set[="s1"]', id="value"),
    ],
)
def test_text(path: tuple[str, ...], text: str) -> None:
    assert field_sets.text(path) == text


def test_order_puts_what_ends_before_what_goes_deeper() -> None:
    paths = [("f:s", "f:items", "f:v"), ("f:s", "f:plain"), ("f:s", "f:atom"), ("f:a", "f:z")]
    assert [field_sets.text(path) for path in field_sets.in_order(paths)] == [
        ".a.z",
        ".s.atom",
        ".s.plain",
        ".s.items.v",
    ]


def test_system_metadata_is_nobodys() -> None:
    obj: dict[str, Any] = {"kind": "ConfigMap", "metadata": {"name": "x", "uid": "u", "labels": {"a": "b"}}}
    assert field_sets.ownable(obj) == {"metadata": {"labels": {"a": "b"}}}


def test_set_elements_are_named_by_value() -> None:
    schema = Schema(type="array", list_type="set", items=Schema(type="string"))
    assert field_sets.fields_of(schema, ["b", "a"], ("f:x",)) == {("f:x", 'v:"a"'), ("f:x", 'v:"b"')}
