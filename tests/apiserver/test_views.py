"""Kinds that are served from another kind's storage."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from lapstrake.apiserver.resources import View
from lapstrake.apiserver.status import cause
from lapstrake.kube.types import ResourceType
from tests.apiserver.api_client import Client

GLOBAL = "shared"
EXCLUDE = "example.com/exclude"


def check(obj: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    if obj.get("spec", {}).get("ref"):
        return []
    return [cause("FieldValueRequired", "spec.ref", "Required value")]


@pytest.fixture
def views() -> tuple[View, ...]:
    return (
        View(
            rt=ResourceType("data.example.com", "v1", "Box", "boxes", True),
            storage=ResourceType("inner.example.com", "v1", "InnerBox", "innerboxes", True),
            columns=({"name": "Ref", "type": "string", "jsonPath": ".spec.ref"},),
            fallback_namespace=GLOBAL,
            exclude_annotation=EXCLUDE,
            validate=check,
            selectable_fields=("spec.ref",),
            cells={"Ref": lambda obj: obj["spec"]["ref"].upper()},
            stored_name=lambda name: name.encode().hex(),
            shown_name=lambda name: bytes.fromhex(name).decode(),
        ),
    )


def boxes(namespace: str) -> str:
    return f"/apis/data.example.com/v1/namespaces/{namespace}/boxes"


@pytest.fixture
def shop(api: Client) -> Client:
    api("POST", "/api/v1/namespaces", {"metadata": {"name": GLOBAL}})
    api.create(boxes(GLOBAL), "big", spec={"ref": "a"})
    return api


def names(answer: Any) -> list[str]:
    return [item["metadata"]["name"] for item in answer.json["items"]]


def test_global_objects_show_in_every_namespace(shop: Client) -> None:
    shown = shop("GET", f"{boxes('default')}/big").json
    assert shown["kind"] == "Box"
    assert shown["metadata"]["namespace"] == "default"
    shop.create(boxes("default"), "own", spec={"ref": "b"})
    assert names(shop("GET", boxes("default"))) == ["big", "own"]
    assert names(shop("GET", boxes(GLOBAL))) == ["big"]


def test_own_object_wins_by_name(shop: Client) -> None:
    shop.create(boxes("default"), "big", spec={"ref": "mine"})
    assert [item["spec"]["ref"] for item in shop("GET", boxes("default")).json["items"]] == ["mine"]


def test_all_namespaces_show_each_object_once(shop: Client) -> None:
    answer = shop("GET", "/apis/data.example.com/v1/boxes")
    assert [item["metadata"]["namespace"] for item in answer.json["items"]] == [GLOBAL]


def test_annotation_hides_global_objects(shop: Client) -> None:
    shop("POST", "/api/v1/namespaces", {"metadata": {"name": "apart", "annotations": {EXCLUDE: ""}}})
    assert names(shop("GET", boxes("apart"))) == []
    assert shop("GET", f"{boxes('apart')}/big").status == 404


def test_stored_as_the_inner_kind(shop: Client) -> None:
    stored = shop.server.store.list(shop.server.registry.find("data.example.com", "v1", "boxes").collection)[
        0
    ]  # type: ignore[union-attr]
    assert [(key.name, item.object["kind"], item.object["metadata"]["name"]) for key, item in stored] == [
        ("626967", "InnerBox", "626967")
    ]


def test_field_selector_and_columns(shop: Client) -> None:
    shop.create(boxes("default"), "own", spec={"ref": "b"})
    assert names(shop("GET", f"{boxes('default')}?fieldSelector=spec.ref=b")) == ["own"]
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    table = shop("GET", boxes("default"), headers=accept).json
    assert [row["cells"] for row in table["rows"]] == [["big", "A"], ["own", "B"]]


def test_refusal_names_no_kind(shop: Client) -> None:
    answer = shop("POST", boxes("default"), {"metadata": {"name": "bad"}})
    assert answer.status == 422
    assert answer.json["message"] == ' "bad" is invalid: spec.ref: Required value'
    assert answer.json["details"]["causes"][0]["field"] == "spec.ref"
    assert answer.json["details"].keys() == {"name", "causes"}


def test_not_found_is_told_in_the_singular(shop: Client) -> None:
    message = 'box.data.example.com "none" not found'
    assert shop("GET", f"{boxes('default')}/none").json["message"] == message
    assert shop("DELETE", f"{boxes('default')}/none").json["message"] == message


def test_names_that_cannot_be_stored(shop: Client) -> None:
    path = f"{boxes('default')}/1.0+a"
    assert shop.create(boxes("default"), "1.0+a", spec={"ref": "b"})["metadata"]["name"] == "1.0+a"
    stream = shop.watch(f"{boxes('default')}?watch=true&fieldSelector=metadata.name%3D1.0%2Ba")
    assert shop("GET", path).json["metadata"]["name"] == "1.0+a"
    merge = {"Content-Type": "application/merge-patch+json"}
    changed = shop("PATCH", path, {"spec": {"ref": "c"}}, merge).json
    assert (changed["metadata"]["name"], changed["spec"]) == ("1.0+a", {"ref": "c"})
    assert shop("PUT", path, {**changed, "spec": {"ref": "d"}}).json["spec"] == {"ref": "d"}
    assert names(shop("GET", boxes("default"))) == ["big", "1.0+a"]
    assert shop("DELETE", path).status == 200
    events = [json.loads(stream.readline()) for _ in range(4)]
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]
    assert {event["object"]["metadata"]["name"] for event in events} == {"1.0+a"}


def test_apply_of_a_name_that_cannot_be_stored(shop: Client) -> None:
    path = f"{boxes('default')}/1.0+a?fieldManager=me"
    body = {"apiVersion": "data.example.com/v1", "kind": "Box", "metadata": {"name": "1.0+a"}}
    apply = {"Content-Type": "application/apply-patch+yaml"}
    assert shop("PATCH", path, {**body, "spec": {"ref": "b"}}, apply).status == 201
    again = shop("PATCH", path, {**body, "spec": {"ref": "c"}}, apply)
    assert (again.status, again.json["spec"]) == (200, {"ref": "c"})


def test_deletion_waits_under_the_shown_name(shop: Client) -> None:
    shop.create(boxes("default"), "1.0+a", metadata={"finalizers": ["example.com/x"]}, spec={"ref": "b"})
    path = f"{boxes('default')}/1.0+a"
    assert shop("DELETE", path).json["metadata"]["name"] == "1.0+a"
    merge = {"Content-Type": "application/merge-patch+json"}
    shop("PATCH", path, {"metadata": {"finalizers": None}}, merge)
    assert shop("GET", path).status == 404


def test_lists_are_not_cut(shop: Client) -> None:
    shop.create(boxes("default"), "all", spec={"ref": "b"})
    answer = shop("GET", f"{boxes('default')}?limit=1")
    assert (names(answer), "continue" in answer.json["metadata"]) == (["big", "all"], False)


def test_watch_sees_global_changes(shop: Client) -> None:
    stream = shop.watch(f"{boxes('default')}?watch=true")
    first = json.loads(stream.readline())
    assert (first["type"], first["object"]["metadata"]["namespace"]) == ("ADDED", "default")
    shop.create(boxes(GLOBAL), "small", spec={"ref": "c"})
    second = json.loads(stream.readline())
    assert (second["object"]["metadata"]["name"], second["object"]["kind"]) == ("small", "Box")


def test_deleting_a_global_object_elsewhere_leaves_it(shop: Client) -> None:
    assert shop("DELETE", f"{boxes('default')}/big").status == 200
    assert shop("GET", f"{boxes(GLOBAL)}/big").status == 200
