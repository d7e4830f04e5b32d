from __future__ import annotations

from typing import Any

import orjson

from lapstrake.apiserver.builtin import builtin_types
from lapstrake.apiserver.openapi import Documents
from lapstrake.apiserver.requests import Query
from lapstrake.apiserver.resources import Registry, Served, served_builtin
from lapstrake.apiserver.store import Collection
from lapstrake.kube.types import ResourceType

CAN = Served(
    rt=ResourceType("kv.example.com", "v1", "Can", "cans", True, verbs=("get", "list", "patch")),
    collection=Collection("kv.example.com", "cans"),
    custom=True,
    openapi={"type": "object", "properties": {"spec": {"type": "object", "description": "what one wants"}}},
)


def documents() -> Documents:
    registry = Registry([served_builtin(builtin) for builtin in builtin_types()])
    registry.set_custom("cans.kv.example.com", [CAN])
    return Documents(registry)


def read(path: str) -> dict[str, Any]:
    found = documents()(path, Query(""))
    assert found is not None
    document: dict[str, Any] = orjson.loads(found[0])
    return document


def test_index_names_every_group_version() -> None:
    found = documents()("v3", Query(""))
    assert found is not None
    assert found[1].startswith("text/plain")
    paths = orjson.loads(found[0])["paths"]
    assert paths["api/v1"]["serverRelativeURL"].startswith("/openapi/v3/api/v1?hash=")
    assert {"apis/apps/v1", "apis/kv.example.com/v1"} <= set(paths)


def test_patch_operation_takes_field_validation() -> None:
    path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    patch = read("v3/apis/apps/v1")["paths"][path]["patch"]
    assert [parameter["name"] for parameter in patch["parameters"]] == [
        "dryRun",
        "fieldManager",
        "fieldValidation",
        "force",
    ]
    assert patch["x-kubernetes-group-version-kind"] == {
        "group": "apps",
        "version": "v1",
        "kind": "Deployment",
    }


def test_schemas_carry_merge_keys() -> None:
    schemas = read("v3/apis/apps/v1")["components"]["schemas"]
    assert schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"] == {
        "type": "array",
        "items": {"$ref": "#/components/schemas/io.k8s.api.core.v1.Container"},
        "x-kubernetes-list-map-keys": ["name"],
        "x-kubernetes-list-type": "map",
        "x-kubernetes-patch-merge-key": "name",
        "x-kubernetes-patch-strategy": "merge",
    }


def test_every_reference_can_be_followed() -> None:
    document = read("v3/api/v1")
    schemas = document["components"]["schemas"]

    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*(references(value) for value in node.values()), set())
        return set().union(*(references(item) for item in node)) if isinstance(node, list) else set()

    assert {name.rpartition("/")[2] for name in references(document)} <= set(schemas)


def test_custom_kind_is_described_in_its_own_words() -> None:
    document = read("v3/apis/kv.example.com/v1")
    schema = document["components"]["schemas"]["com.example.kv.v1.Can"]
    assert schema["properties"]["spec"]["description"] == "what one wants"
    operation = document["paths"]["/apis/kv.example.com/v1/namespaces/{namespace}/cans"]["get"]
    assert operation["operationId"] == "listKvExampleComV1NamespacedCan"


def test_unknown_documents_do_not_exist() -> None:
    assert documents()("v3/apis/none/v1", Query("")) is None
    assert documents()("v2", Query("")) is None
