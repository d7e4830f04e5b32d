from __future__ import annotations

from typing import Any

import pytest

from lapstrake.apiserver.apply import LAST_APPLIED, apply
from lapstrake.apiserver.builtin import definition_schema, with_head
from lapstrake.apiserver.managed_fields import Writer, after_create, after_update, blank_object, read
from lapstrake.apiserver.schema import from_openapi
from lapstrake.apiserver.status import ApiError

CONFIG_MAP = definition_schema("core.v1.ConfigMap")
DEPLOYMENT = definition_schema("apps.v1.Deployment")
MAPS = with_head(
    from_openapi(
        {
            "type": "object",
            "properties": {
                "spec": {
                    "type": "object",
                    "properties": {
                        "items": {
                            "type": "array",
                            "x-kubernetes-list-type": "map",
                            "x-kubernetes-list-map-keys": ["id"],
                            "items": {
                                "type": "object",
                                "properties": {"id": {"type": "string"}, "v": {"type": "integer"}},
                            },
                        },
                        "set": {
                            "type": "array",
                            "x-kubernetes-list-type": "set",
                            "items": {"type": "string"},
                        },
                        "plain": {"type": "array", "items": {"type": "string"}},
                        "atom": {
                            "type": "object",
                            "x-kubernetes-map-type": "atomic",
                            "additionalProperties": {"type": "string"},
                        },
                    },
                }
            },
        }
    )
)


def writer(manager: str, now: str = "t1", api_version: str = "v1") -> Writer:
    return Writer(manager, api_version, now)


def config_map(**data: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}


def owned(obj: dict[str, Any]) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"] for entry in obj["metadata"]["managedFields"]}


def test_new_object_belongs_to_who_applies() -> None:
    found = apply(CONFIG_MAP, None, config_map(a="1"), writer("one"))
    assert found["data"] == {"a": "1"}
    assert found["metadata"]["managedFields"] == [
        {
            "manager": "one",
            "operation": "Apply",
            "apiVersion": "v1",
            "time": "t1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {"f:a": {}}},
        }
    ]


def test_same_value_is_shared_and_needs_no_time() -> None:
    live = apply(CONFIG_MAP, None, config_map(a="1"), writer("one"))
    found = apply(CONFIG_MAP, live, config_map(a="1"), writer("two", "t2"))
    assert owned(found) == {"one": {"f:data": {"f:a": {}}}, "two": {"f:data": {"f:a": {}}}}
    assert [entry.get("time") for entry in found["metadata"]["managedFields"]] == [None, "t1"]


def test_other_value_conflicts_unless_forced() -> None:
    live = apply(CONFIG_MAP, None, config_map(a="1", b="2"), writer("one"))
    with pytest.raises(ApiError) as caught:
        apply(CONFIG_MAP, live, config_map(a="8", b="9", c="3"), writer("two"))
    assert caught.value.code == 409
    assert str(caught.value) == 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b'
    assert caught.value.details == {
        "causes": [
            {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.a"},
            {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.b"},
        ]
    }
    forced = apply(CONFIG_MAP, live, config_map(a="8", c="3"), writer("two"), force=True)
    assert forced["data"] == {"a": "8", "b": "2", "c": "3"}
    assert owned(forced) == {"one": {"f:data": {"f:b": {}}}, "two": {"f:data": {"f:a": {}, "f:c": {}}}}


def test_what_nobody_applies_any_more_goes() -> None:
    live = apply(CONFIG_MAP, None, config_map(a="1", b="2"), writer("one"))
    live = apply(CONFIG_MAP, live, config_map(a="1", b="2"), writer("two"))
    live = apply(CONFIG_MAP, live, config_map(a="1"), writer("one"))
    assert live["data"] == {"a": "1", "b": "2"}
    live = apply(CONFIG_MAP, live, config_map(a="1"), writer("two"))
    assert live["data"] == {"a": "1"}


def test_update_takes_what_it_changes() -> None:
    live = apply(CONFIG_MAP, None, config_map(a="1", b="2"), writer("one"))
    new = {**live, "data": {"a": "edited", "b": "2", "n": "new"}}
    new["metadata"] = {**live["metadata"], "managedFields": after_update(CONFIG_MAP, live, new, writer("ed"))}
    assert owned(new) == {"one": {"f:data": {"f:b": {}}}, "ed": {"f:data": {"f:a": {}, "f:n": {}}}}
    with pytest.raises(ApiError) as caught:
        apply(CONFIG_MAP, new, config_map(a="1", b="2"), writer("one"))
    assert str(caught.value) == 'Apply failed with 1 conflict: conflict with "ed" using v1: .data.a'


def test_creation_owns_defaults_but_no_status() -> None:
    pod = {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "m", "resources": {}}], "securityContext": {}},
        "status": {"phase": "Pending"},
    }
    schema = definition_schema("core.v1.Pod")
    [entry] = after_create(
        schema, pod, blank_object("core.v1.Pod"), writer("kubectl-create"), has_status=True
    )
    assert entry["fieldsV1"] == {
        "f:spec": {
            "f:containers": {'k:{"name":"m"}': {".": {}, "f:name": {}, "f:resources": {}}},
            "f:securityContext": {},
        }
    }


def test_update_without_change_keeps_everything() -> None:
    live = apply(CONFIG_MAP, None, config_map(a="1"), writer("one"))
    kept = after_update(CONFIG_MAP, live, {**live}, writer("two", "t2"))
    assert kept == live["metadata"]["managedFields"]


def test_one_empty_entry_clears_and_the_next_apply_remembers() -> None:
    live = apply(CONFIG_MAP, None, config_map(a="1"), writer("one"))
    cleared = {**live, "metadata": {"name": "c", "managedFields": [{}]}}
    cleared["metadata"]["managedFields"] = after_update(CONFIG_MAP, live, cleared, writer("x"))
    assert cleared["metadata"]["managedFields"] == []
    found = apply(CONFIG_MAP, cleared, config_map(b="2"), writer("one"))
    assert owned(found) == {
        "one": {"f:data": {"f:b": {}}},
        "before-first-apply": {"f:data": {".": {}, "f:a": {}}},
    }


def custom(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "x/v1", "kind": "Map", "metadata": {"name": "m"}, "spec": spec}


def test_list_types_of_custom_kinds() -> None:
    first = custom(items=[{"id": "x", "v": 1}], set=["s1"], plain=["p1"], atom={"a": "1"})
    live = apply(MAPS, None, first, writer("one"))
    live = apply(MAPS, live, custom(items=[{"id": "z", "v": 2}], set=["s2"]), writer("two"))
    assert live["spec"]["items"] == [{"id": "x", "v": 1}, {"id": "z", "v": 2}]
    assert live["spec"]["set"] == ["s1", "s2"]
    with pytest.raises(ApiError) as caught:
        apply(MAPS, live, custom(plain=["p2"], atom={"b": "2"}, items=[{"id": "x", "v": 7}]), writer("two"))
    assert str(caught.value).endswith(
        'conflicts with "one":\n- .spec.atom\n- .spec.plain\n- .spec.items[id="x"].v'
    )
    live = apply(MAPS, live, custom(set=["s1"]), writer("one"))
    assert live["spec"] == {"items": [{"id": "z", "v": 2}], "set": ["s1", "s2"]}


def deployment(*env: str, **container: Any) -> dict[str, Any]:
    main = {"name": "main", "env": [{"name": name, "value": name.lower()} for name in env], **container}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {"template": {"spec": {"containers": [main]}}},
    }


def test_items_keep_the_order_of_the_server_where_the_patch_allows() -> None:
    live = apply(DEPLOYMENT, None, deployment("A", "B"), writer("kubectl"))
    live = apply(DEPLOYMENT, live, deployment("Z"), writer("second"))
    live = apply(DEPLOYMENT, live, deployment("C", "B"), writer("kubectl"))
    [main] = live["spec"]["template"]["spec"]["containers"]
    assert [variable["name"] for variable in main["env"]] == ["C", "B", "Z"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param({"dat": {}}, ".dat: field not declared in schema", id="unknown"),
        pytest.param({"data": "text"}, ".data: expected map, got &{text}", id="map"),
        pytest.param(
            {"data": {"a": 5}}, ".data.a: expected string, got &value.valueUnstructured{Value:5}", id="scalar"
        ),
    ],
)
def test_fields_must_fit(body: dict[str, Any], text: str) -> None:
    patch = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, **body}
    with pytest.raises(ApiError) as caught:
        apply(CONFIG_MAP, None, patch, writer("m"))
    assert caught.value.code == 500
    assert str(caught.value) == f"failed to create typed patch object (/x; /v1, Kind=ConfigMap): {text}"


def test_kubectl_takes_over_what_it_applied_on_its_own_side() -> None:
    note = (
        '{"apiVersion":"v1","data":{"a":"1"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"c"}}\n'
    )
    live = config_map(a="1")
    live["metadata"]["annotations"] = {LAST_APPLIED: note}
    by = writer("kubectl-client-side-apply")
    live["metadata"]["managedFields"] = after_create(CONFIG_MAP, live, {}, by, has_status=False)
    found = apply(CONFIG_MAP, live, config_map(a="2"), writer("kubectl"))
    assert found["data"] == {"a": "2"}
    assert found["metadata"]["annotations"][LAST_APPLIED] == (
        '{"apiVersion":"v1","data":{"a":"2"},"kind":"ConfigMap","metadata":{"name":"c"}}\n'
    )


def test_status_belongs_to_its_subresource() -> None:
    schema = definition_schema("core.v1.Pod")
    patch = {"metadata": {"name": "p"}, "spec": {"nodeName": "n"}, "status": {"phase": "Running"}}
    by = Writer("kubelet", "v1", "t", "status")
    [entry] = read(apply(schema, {"metadata": {"name": "p"}}, patch, by, has_status=True))
    assert entry.subresource == "status"
    assert entry.fields == {("f:status", "f:phase")}
