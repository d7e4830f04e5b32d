from __future__ import annotations

from typing import Any

import pytest

from lapstrake.apiserver.builtin import definition_schema
from lapstrake.apiserver.status import ApiError
from lapstrake.apiserver.strategic import merge

POD = definition_schema("core.v1.PodSpec")
CONFIG_MAP = definition_schema("core.v1.ConfigMap")


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item["name"] for item in items]


def containers(*given: str) -> dict[str, Any]:
    return {"containers": [{"name": name, "image": "i"} for name in given]}


def test_lists_merge_by_key_and_new_items_follow_their_neighbour() -> None:
    patch = {"containers": [{"name": "main", "image": "j"}, {"name": "third"}]}
    found = merge(containers("main", "side"), patch, POD)["containers"]
    assert names(found) == ["main", "third", "side"]
    assert found[0] == {"name": "main", "image": "j"}


@pytest.mark.parametrize(
    ("live", "order", "found"),
    [
        pytest.param(["a", "b", "c"], ["c", "a"], ["b", "c", "a"], id="server-only item keeps its place"),
        pytest.param(["a", "b"], ["b", "a"], ["b", "a"], id="all named"),
        pytest.param(["a", "b"], ["x", "b"], ["a", "b"], id="named but absent"),
    ],
)
def test_set_element_order(live: list[str], order: list[str], found: list[str]) -> None:
    patch = {"$setElementOrder/containers": [{"name": name} for name in order]}
    assert names(merge(containers(*live), patch, POD)["containers"]) == found


def test_list_items_are_deleted_and_replaced() -> None:
    live = containers("a", "b")
    assert names(merge(live, {"containers": [{"name": "a", "$patch": "delete"}]}, POD)["containers"]) == ["b"]
    replaced = merge(live, {"containers": [{"$patch": "replace"}, {"name": "z"}]}, POD)
    assert replaced["containers"] == [{"name": "z"}]


def test_primitive_lists_are_sets() -> None:
    live = {"metadata": {"finalizers": ["a"]}}
    added = merge(live, {"metadata": {"finalizers": ["b"]}}, CONFIG_MAP)
    assert added["metadata"]["finalizers"] == ["b", "a"]
    removed = merge(added, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}, CONFIG_MAP)
    assert removed["metadata"]["finalizers"] == ["b"]


def test_maps_merge_null_deletes_and_directives_vanish() -> None:
    live = {"data": {"a": "1", "b": "2"}}
    assert merge(live, {"data": {"a": None, "c": "3"}}, CONFIG_MAP) == {"data": {"b": "2", "c": "3"}}
    assert merge(live, {"data": {"$patch": "replace", "only": "1"}}, CONFIG_MAP) == {"data": {"only": "1"}}
    assert merge(live, {"data": {"$patch": "delete"}}, CONFIG_MAP) == {"data": {}}


def test_retain_keys_drops_the_others() -> None:
    schema = definition_schema("apps.v1.DeploymentSpec")
    live = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}
    patch = {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}
    assert merge(live, patch, schema) == {"strategy": {"type": "Recreate"}}


def test_lists_without_merge_strategy_are_replaced() -> None:
    live = {"containers": [{"name": "a", "args": ["1", "2"]}]}
    patch = {"containers": [{"name": "a", "args": ["3"]}]}
    assert merge(live, patch, POD)["containers"] == [{"name": "a", "args": ["3"]}]


def test_unknown_directive_is_refused() -> None:
    with pytest.raises(ApiError) as caught:
        merge({"data": {"a": "1"}}, {"data": {"$patch": "bogus"}}, CONFIG_MAP)
    assert (caught.value.code, str(caught.value)) == (
        500,
        "unknown patch type: bogus in map: map[$patch:bogus]",
    )


def test_live_object_is_left_alone() -> None:
    live = containers("a")
    merge(live, {"containers": [{"name": "a", "image": "other"}]}, POD)
    assert live == containers("a")
